"""The guides are complete: every verb, key, option, metric, field and exit code stands in them."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
import pytest
from guides import DOCS, GUIDES, ROOT, read, rows, section

from harness.cli import VERBS, cli
from harness.errors import ExitCode
from harness.fairness.gaps import MIN_CLUSTERS
from harness.gates import drop
from harness.goldens.fields import ALIASES, RawCase
from harness.metrics import quantities, signals, support
from harness.planting.faults import FAULTS
from harness.registry import SYSTEMS, find_system
from harness.suites.meaning import GOES_WITH, RULES
from harness.systems.process import ENVIRONMENT
from harness.types import (
    BaselineSettings,
    BudgetSettings,
    CalibrationSettings,
    Choose,
    EngineSettings,
    Gate,
    GoldenSource,
    Requirement,
    Response,
    ResponseError,
    RunSettings,
    SliceRule,
    Status,
    Suite,
)

STRUCTS: dict[str, Any] = {
    "The suite": Suite,
    "goldens": GoldenSource,
    "slices": SliceRule,
    "choose": Choose,
    "require": Requirement,
    "run": RunSettings,
    "budget": BudgetSettings,
    "engine": EngineSettings,
    "baseline": BaselineSettings,
    "calibration": CalibrationSettings,
    "gates": Gate,
}
"""Heading of suites.md to the type whose keys its table lists."""

PAGES = [*(DOCS / name for name in GUIDES), ROOT / "README.md"]
LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
COMMAND = re.compile(rf"\bharness (?:{'|'.join(VERBS)})\b[^`\n|)]*")


def shown(default: object) -> str:
    """A default as the tables write it."""
    if default is inspect.Parameter.empty or default is msgspec.NODEFAULT:
        return "required"
    if default is None or default in ((), {}):
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple):
        return str(list(default))
    if isinstance(default, msgspec.Struct):
        return "see there"
    return f"{default:g}" if isinstance(default, float) else str(default) or "empty"


def test_every_verb_is_listed() -> None:
    """The list of verbs has each verb of the command line once, in the same order."""
    listed = [row[0].strip("`") for row in rows(section("README.md", "Verbs"))]
    assert listed == [f"harness {verb}" for verb in VERBS]


def test_every_guide_is_in_the_index() -> None:
    """The index links every guide."""
    assert {name for name in GUIDES if f"]({name})" not in read("README.md")} == {"README.md"}


def test_every_exit_code_is_explained() -> None:
    """The table has each exit code, and the verbs name no other."""
    listed = {int(code) for row in rows(section("gates.md", "Exit codes")) for code in row[0].split(", ")}
    assert listed == {int(code) for code in ExitCode}
    named = {code for row in rows(section("README.md", "Verbs")) for code in re.findall(r"\d+", row[2])}
    assert {int(code) for code in named} <= listed


@pytest.mark.parametrize("heading", STRUCTS)
def test_every_suite_key_is_explained(heading: str) -> None:
    """Each table of keys has exactly the fields of its type, with their defaults."""
    listed = {row[0].strip("`"): row[2] for row in rows(section("suites.md", heading))}
    fields = msgspec.structs.fields(STRUCTS[heading])
    defaults = {
        field.encode_name: field.default
        if field.default_factory is msgspec.NODEFAULT
        else field.default_factory()
        for field in fields
    }
    assert listed == {name: shown(default) for name, default in defaults.items()}


def test_what_a_key_of_a_gate_goes_with_is_told() -> None:
    """The column names the rules that heed a key, where not all do."""
    rules = {"drop": "`max_drop`", "gap": "`max_gap`", "bound": "`min` `max`"}
    listed = {row[0].strip("`"): row[3] for row in rows(section("suites.md", "gates"))}
    all_but_cases = ("drop", "bound", "gap", "scored")
    told = {
        name: "all but `cases`" if kinds == all_but_cases else " ".join(rules[kind] for kind in kinds)
        for name, kinds in GOES_WITH.items()
    }
    assert {name: listed[name] for name in told} == told


@pytest.mark.parametrize("adapter", SYSTEMS)
def test_every_adapter_option_is_explained(adapter: str) -> None:
    """Each adapter's table has exactly the options of its signature, in order, with their defaults."""
    listed = [(row[0].strip("`"), row[2]) for row in rows(section("systems.md", adapter))]
    parameters = inspect.signature(find_system(adapter)).parameters.values()
    assert listed == [(parameter.name, shown(parameter.default)) for parameter in parameters]


def test_every_planted_fault_is_explained() -> None:
    """The table has each fault once, in the same order."""
    listed = [row[0].strip("`") for row in rows(section("plan.md", "harness selftest metrics"))]
    assert listed == [*FAULTS]


def test_every_status_is_explained() -> None:
    """The table of statuses has the closed set."""
    assert [row[0].strip("`") for row in rows(section("metrics.md", "Statuses"))] == list(get_args(Status))


def test_every_gate_rule_has_its_section() -> None:
    """The five rules are listed, each with its verdicts below."""
    listed = {name for row in rows(section("gates.md", "Gates")) for name in re.findall(r"`(\w+)`", row[0])}
    assert listed == set(RULES)
    for heading in ("max_drop", "min and max", "max_gap", "cases"):
        assert "**pass**" in section("gates.md", heading)
        assert "**fail**" in section("gates.md", heading)


def test_the_numbers_that_decide_are_those_of_the_code() -> None:
    """Minimum sizes of a comparison, and what faithfulness holds claims against."""
    sizes = f"fewer than {drop.MIN_PAIRS} pairs from {drop.MIN_CLUSTERS} documents"
    sizes += f" (in a slice: {drop.MIN_SLICE_PAIRS} from {drop.MIN_SLICE_CLUSTERS})"
    assert sizes in section("gates.md", "max_drop")
    assert f"more than {drop.MAX_UNPAIRED:.0%}".replace("%", " %") in section("gates.md", "max_drop")
    assert f"`min_n` scored cases from {MIN_CLUSTERS} documents" in section("gates.md", "max_gap")
    threshold = support.shipped_weights().support.threshold
    for value in (signals.SAME_MATTER, signals.NUMBER_MISSING, signals.NAME_MISSING, threshold):
        assert f" {value:g}" in section("metrics.md", "faithfulness")
    assert f"within {quantities.ABOUT:.0%}".replace("%", " %") in section("metrics.md", "faithfulness")
    listed = {
        name for row in rows(section("metrics.md", "faithfulness")) for name in re.findall(r"`(\w+)`", row[0])
    }
    assert listed == set(support.shipped_weights().support.weights)


def test_every_golden_field_is_explained() -> None:
    """The table has exactly the fields that are read, and every name that is read for one."""
    listed = {row[0].strip("`"): row[3] for row in rows(section("goldens.md", "Fields"))}
    assert set(listed) == set(RawCase.__struct_fields__)
    for name, others in ALIASES.items():
        assert set(others) <= set(re.findall(r"`([\w.]+)`", listed[name]))


def test_every_part_of_an_answer_is_explained() -> None:
    """The table of an answer has the fields of a Response; every kind of error is named."""
    listed = {row[0].strip("`") for row in rows(section("systems.md", "What a system answers"))}
    assert listed == set(Response.__struct_fields__) - {"text_repaired", "failures"}
    kinds = get_args(inspect.get_annotations(ResponseError, eval_str=True)["kind"])
    for name in (*kinds, *ENVIRONMENT):
        assert f"`{name}`" in read("systems.md")


def test_the_tree_is_the_tree() -> None:
    """The drawn tree names every module and package of ours."""
    (tree,) = re.findall(r"^harness/\n(.*?)\n\n\w", read("architecture.md"), re.MULTILINE | re.DOTALL)
    drawn = set(re.findall(r"^  ([\w.]+)/? ", tree, re.MULTILINE))
    found = {path.name for path in (ROOT / "harness").iterdir() if not path.name.startswith("__pycache__")}
    assert drawn == found - {"py.typed"}


@pytest.mark.parametrize(
    "command", sorted({found for name in GUIDES for found in COMMAND.findall(read(name))})
)
def test_every_command_exists(command: str) -> None:
    """Verbs, their parts and their options in the guides are those of the command line."""
    _, verb, *words = re.split(r" (?:\|\||&&|>)|`", command)[0].split()
    found = cli.get_command(click.Context(cli), verb)
    if isinstance(found, click.Group) and words:
        found = found.get_command(click.Context(found), words[0])
    assert found is not None
    known = {text for option in found.params for text in option.opts} | {"--help"}
    assert {word for word in words if word.startswith("-")} <= known


@pytest.mark.parametrize(
    ("page", "target"),
    sorted({(page, target) for page in PAGES for target in LINK.findall(page.read_text(encoding="utf-8"))}),
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_every_link_leads_somewhere(page: Path, target: str) -> None:
    """Relative links lead to files, and their anchors to headings."""
    path, _, anchor = target.partition("#")
    there = (page.parent / path).resolve() if path else page
    assert there.exists()
    if anchor:
        headings = re.findall(r"^#+ (.+)$", there.read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
