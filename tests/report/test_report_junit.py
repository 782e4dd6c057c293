"""The JUnit report: legal XML always, stable names, one outcome per testcase."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from sample import sample, sample_alone
from sample_cases import HOSTILE
from saturate import saturate

from harness.report.junit import MAX_BODIES, render
from harness.types import CaseChange, Report

ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 does not allow."""


def _parse(report: Report) -> ET.Element:
    text = render(report)
    assert not ILLEGAL.search(text)
    return ET.fromstring(text.encode())  # noqa: S314  (written by us)


def _suite(root: ET.Element, name: str) -> dict[str, ET.Element]:
    found = root.find(f"testsuite[@name='{name}']")
    assert found is not None
    return {f"{case.get('classname')} {case.get('name')}": case for case in found.iter("testcase")}


def test_every_gate_is_a_testcase_at_its_line() -> None:
    """Failed is a failure, inconclusive an error, passed is bare; file and line are those of the rule."""
    gates = _suite(_parse(sample()), "gates")
    assert len(gates) == len(sample().verdicts)
    kinds = {name: [(child.tag, child.get("type")) for child in case] for name, case in gates.items()}
    assert kinds["support-assistant.gates faith"] == [("failure", "gate")]
    assert kinds["support-assistant.gates refuse"] == [("error", "inconclusive")]
    assert kinds["support-assistant.gates recall"] == []
    assert gates["support-assistant.gates faith"].get("file") == "suites/support.yaml"
    assert gates["support-assistant.gates faith"].get("line") == "42"


def test_cases_are_those_that_got_worse_or_have_no_score() -> None:
    """A regression fails, a timeout and a judge error are errors, a case never run is skipped."""
    cases = _suite(_parse(sample()), "cases")
    kinds = {name: [(child.tag, child.get("type")) for child in case] for name, case in cases.items()}
    assert kinds["support-assistant.faithfulness refund-017"] == [("failure", "regression")]
    assert kinds["support-assistant.response invoice-004"] == [("error", "timeout")]
    assert kinds["support-assistant.faithfulness.unscored invoice-005"] == [("error", "judge_error")]
    assert kinds["support-assistant.response missing-001"] == [("skipped", None)]
    assert not [name for name in kinds if "refund-001" in name or "legal-001" in name]


def test_the_message_is_complete_by_itself() -> None:
    """Metric, both values and the cause stand in the message; the body says how to ask again."""
    case = _suite(_parse(sample()), "cases")["support-assistant.faithfulness refund-017"]
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("message") == "faithfulness 1.000 -> 0.000 (gold passage lost)"
    assert "harness run suites/support.yaml --case refund-017" in (failure.text or "")


def test_counts_are_those_of_the_testcases() -> None:
    """Totals of the root are the sums of the suites, and those count their testcases."""
    root = _parse(sample())
    for total, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        found = [case for case in root.iter("testcase") if case.find(tag) is not None]
        assert root.get(total) == str(len(found))
        assert sum(int(suite.get(total) or 0) for suite in root) == len(found)
    assert root.get("tests") == str(len(list(root.iter("testcase"))))


def test_names_are_unique_and_do_not_move() -> None:
    """Class and name are a key: GitLab drops a second one, and history follows the first."""
    cases = [(case.get("classname"), case.get("name")) for case in _parse(sample()).iter("testcase")]
    assert len(set(cases)) == len(cases)
    turned = msgspec.structs.replace(sample(), cases=sample().cases[::-1])
    assert {(c.get("classname"), c.get("name")) for c in _parse(turned).iter("testcase")} == set(cases)


def test_headline_and_digests_are_properties() -> None:
    """The three lines and what identifies the run stand where a reader of the XML looks."""
    root = _parse(sample())
    found = {item.get("name"): item.get("value") for item in root.iter("property")}
    assert found["headline.1"] == "FAILED — 2 of 7 gates. Do not merge."
    assert found["dataset_digest"] == sample().run.dataset_digest


def test_f22_bodies_are_bounded() -> None:
    """Thousands of regressions stay a file that a CI server takes: texts are cut, later bodies left out."""
    changes = tuple(
        CaseChange(f"c{i}", "faithfulness", 1.0, 0.0, 1.0, "x" * 9000) for i in range(MAX_BODIES + 500)
    )
    text = render(msgspec.structs.replace(sample(), regressions=changes))
    assert len(text) < 2_000_000
    assert text.count("<testcase") > MAX_BODIES + 500


def test_f22_hostile_text_is_legal_and_does_not_end_anything() -> None:
    """Controls are visible escapes, and the end mark of CDATA ends nothing because there is none."""
    text = render(saturate(sample(), HOSTILE))
    root = ET.fromstring(text.encode())  # noqa: S314  (written by us)
    assert "CDATA" not in text
    assert {element.tag for element in root.iter()} == {
        "testsuites", "testsuite", "testcase", "properties", "property", "failure", "error", "skipped",
    }  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=st.characters()))
def test_f22_any_text_gives_legal_xml(text: str) -> None:
    """Any text in every field gives XML 1.0 that a parser reads, with the same testcases."""
    assert len(list(_parse(saturate(sample(), text)).iter("testcase"))) == 17


def test_without_a_baseline_nothing_got_worse() -> None:
    """Only gates and cases without a score are left."""
    cases = _suite(_parse(sample_alone()), "cases")
    assert not [case for case in cases.values() if case.find("failure") is not None]
