"""Gates and requirements that are about no golden case: told with place, nearest value and what to do."""

from pathlib import Path

import pytest
from suite_files import changed, load, told

from harness.suites.selection import selection_faults
from harness.suites.yaml import load_yaml
from harness.types import Case, Query

CASES = (
    Case(query=Query("leak-1", ""), groups={"language": "de"}, metadata={"topic": "legal"}),
    Case(query=Query("leak-2", ""), groups={"language": "fr"}, metadata={"topic": "travel"}),
)
CHOOSE = "choose:\n  quality: recall@5\n  require:\n"


def requiring(where: str) -> str:
    """The whole suite with a requirement in line 19."""
    return changed(("", f"{CHOOSE}    - {{ metric: latency_s, max: 2, where: {where} }}"))


def found(folder: Path, text: str) -> list[str]:
    """The faults of a suite with these cases."""
    suite = load(folder, text).suite
    return told(selection_faults(suite, load_yaml(folder / "suite.yaml"), CASES))


@pytest.mark.parametrize(
    ("where", "at", "told_as"),
    [
        ("{ language: ded }", "ded", "none has language 'ded' | did you mean 'de'?"),
        ("{ metadata.topic: x }", "x }", "none has metadata.topic 'x' | valid names: legal, travel"),
        ("{ groups.age: old }", "old", "none has groups.age 'old' | no case has groups.age"),
        (
            "{ language: de, topic: travel }",
            "{ language",
            "none has language 'de' and topic 'travel' at once | leave one of them out",
        ),
    ],
)
def test_a_requirement_over_no_case(tmp_path: Path, where: str, at: str, told_as: str) -> None:
    """Nothing could break it: it would let any candidate be shipped. The place is that of the condition."""
    text = requiring(where)
    column = text.splitlines()[18].index(at) + 1
    what = f"19:{column} the requirement on 'latency_s' selects no case: "
    assert found(tmp_path, text) == [what + told_as]


def test_a_gate_over_no_case(tmp_path: Path) -> None:
    """Every condition that no case meets is told, and a named case that is not in the goldens."""
    text = changed(
        ("    min: 0.5\n", "    min: 0.5\n    where: { language: dee, topic: legl }\n"),
        ("", "  - { id: never, metric: recall@5, cases: [leak-2, leak-9] }"),
    )
    assert found(tmp_path, text) == [
        "16:24 gate 'recall' selects no case: none has language 'dee' | did you mean 'de'?",
        "16:36 gate 'recall' selects no case: none has topic 'legl' | did you mean 'legal'?",
        "17:52 gate 'never' names case 'leak-9', which is not in the goldens | did you mean 'leak-2'?",
    ]


def test_what_selects_a_case_is_no_fault(tmp_path: Path) -> None:
    """Conditions that some case meets, and rules without any."""
    assert found(tmp_path, requiring("{ language: de, topic: legal }")) == []
    assert found(tmp_path, changed()) == []
