"""The report as JUnit XML: a suite of gates, and a suite of the cases that got worse or have no score."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness import numbers
from harness.report import wording
from harness.report.judge_rows import in_words, judge_rows
from harness.report.visible import visible
from harness.report.wording import GateRow
from harness.types import UNSCORED, CaseChange, CasePair, Report, Result

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_BODY, MAX_BODIES = 4000, 1000
"""Characters of a body, and regressions that get one; GitLab refuses files above 30 MB."""


def render(report: Report) -> str:
    """Give one XML document, UTF-8, legal XML 1.0 whatever the texts hold.

    Suite ``gates``: one testcase per gate with the file and line of its rule; a failed gate is a
    ``failure``, an inconclusive one an ``error``. Suite ``cases``: a testcase per regression (``failure``)
    and per case without a score (``error`` for the system, its deadline or a judge; ``skipped`` where the
    case was never run). Cases that are well are left out, and of a large run those that its report does not
    show: the property ``left_out`` counts them. ``classname`` and ``name`` are stable between
    runs and unique together. Control characters stand as visible escapes, and no CDATA is used, so
    nothing can end it.
    """
    import xml.etree.ElementTree as ET

    root = ET.Element("testsuites", {"name": _attribute(report.run.suite_name)})
    _gates(report, root)
    _cases(report, root)
    for suite in root:
        _count(suite, (suite,))
    _count(root, tuple(root))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _count(element: Element, suites: Iterable[Element]) -> None:
    found = [case for suite in suites for case in suite.iter("testcase")]
    element.set("tests", str(len(found)))
    for total, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(total, str(sum(case.find(tag) is not None for case in found)))


def _gates(report: Report, root: Element) -> None:
    suite = _child(root, "testsuite", name="gates")
    properties = _child(suite, "properties")
    for name, value in _properties(report):
        _child(properties, "property", name=name, value=value)
    lines = {verdict.gate: verdict.line for verdict in report.verdicts}
    for row in wording.gate_rows(report):
        place = {"file": report.run.suite_path}
        if lines[row.gate] is not None:
            place["line"] = str(lines[row.gate])
        case = _child(suite, "testcase", classname=f"{report.run.suite_name}.gates", name=row.gate, **place)
        if row.outcome == "fail":
            _child(case, "failure", _why(row, report), type="gate", message=_numbers(row))
        elif row.outcome == "inconclusive":
            _child(case, "error", _why(row, report), type="inconclusive", message=_numbers(row))


def _numbers(row: GateRow) -> str:
    """The first line, complete by itself: ``faith: 0.912 -> 0.871 (...)``."""
    before = "" if row.baseline == numbers.NONE else f"{row.baseline} -> "
    return f"{row.gate}: {before}{row.candidate} ({row.rule})"


def _why(row: GateRow, report: Report) -> str:
    moved = f"{row.change} {row.interval}".strip()
    moved = f"{'change' if row.change else 'interval'} {moved}" if moved else ""
    parts = [row.reason, moved, f"n {row.n}" if row.n else "", row.advice]
    return "\n".join([*(part for part in parts if part), *_where(report)])


def _where(report: Report) -> list[str]:
    return [f"{name}: {path}" for name, path in sorted(report.files.items())]


def _properties(report: Report) -> list[tuple[str, str]]:
    run, base = report.run, report.baseline
    found = [(f"headline.{i}", line) for i, line in enumerate(report.headline, start=1)]
    found += [
        ("verdict", report.outcome),
        ("run", run.id),
        ("candidate", run.candidate),
        ("dataset_digest", run.dataset_digest),
        ("corpus_digest", run.corpus_digest or ""),
        ("system_fingerprint", run.system_fingerprint),
        ("baseline", base.id if base else ""),
        ("not_scored", wording.not_scored(report)),
        ("early_stop", wording.early_stop(report)),
        ("left_out", wording.left_out(report)),
    ]
    found += [(f"judge.{name}", digest) for name, digest in sorted(run.judges.items())]
    found += [(f"judged.{row.metric}", in_words(row)) for row in judge_rows(report)]
    return [(name, value) for name, value in found if value]


def _cases(report: Report, root: Element) -> None:
    suite = _child(root, "testsuite", name="cases")
    pairs = {pair.case.id: pair for pair in report.cases}
    seen: set[tuple[str, str]] = set()
    for change in report.regressions:
        if change.after is not None and (change.metric, change.case_id) not in seen:
            seen.add((change.metric, change.case_id))
            _regression(report, suite, change, pairs.get(change.case_id), in_full=len(seen) <= MAX_BODIES)
    for pair in report.cases:
        _unscored(report, suite, pair)


def _regression(
    report: Report, suite: Element, change: CaseChange, pair: CasePair | None, *, in_full: bool
) -> None:
    unit = wording.unit(report, change.metric)
    before, after = numbers.number(change.before, unit), numbers.number(change.after, unit)
    cause = f" ({_cut(change.cause, 200)})" if change.cause else ""
    case = _testcase(report, suite, change.metric, change.case_id, pair.candidate if pair else None)
    body = _story(report, change, pair) if in_full else ""
    moved = " ".join(filter(None, (change.metric, wording.since(change), f"{before} -> {after}")))
    _child(case, "failure", body, type="regression", message=f"{moved}{cause}")


def _story(report: Report, change: CaseChange, pair: CasePair | None) -> str:
    texts = []
    if pair is not None:
        texts = [("question", pair.case.query.input), ("candidate", _answer(pair.candidate))]
        texts[1:1] = [("baseline", _answer(pair.baseline))] if pair.baseline else []
    lines = [f"{title}: {_cut(text, MAX_BODY // 4)}" for title, text in texts]
    lines += [" ".join(change.slices), wording.case_command(report, change.case_id), *_where(report)]
    return "\n".join(line for line in lines if line)


def _unscored(report: Report, suite: Element, pair: CasePair) -> None:
    """One testcase for a response that is missing or an error; else one per score that a judge owes."""
    result = pair.candidate
    if result is None:
        _child(_testcase(report, suite, "response", pair.case.id, None), "skipped", message="not run")
        return
    error = result.response.error
    owed = [(name, score) for name, score in result.scores.items() if score.status in UNSCORED]
    if error is not None:
        case = _testcase(report, suite, "response", pair.case.id, result)
        status = "timeout" if error.kind == "timeout" else "system_error"
        body = wording.case_command(report, pair.case.id)
        _child(case, "error", body, type=status, message=_cut(f"{error.kind}: {error.message}", MAX_BODY))
        return
    for name, score in owed:
        case = _testcase(report, suite, f"{name}.unscored", pair.case.id, result)
        _child(case, "error", type=score.status, message=_cut(score.reason, MAX_BODY) or score.status)


def _testcase(report: Report, suite: Element, what: str, case_id: str, result: Result | None) -> Element:
    attributes = {"classname": f"{report.run.suite_name}.{what}", "name": case_id}
    seconds = result.response.timings.total_s if result else None
    if seconds is not None:
        attributes["time"] = f"{seconds:.3f}"
    return _child(suite, "testcase", **attributes)


def _answer(result: Result | None) -> str:
    return "" if result is None else result.response.output or ""


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _attribute(text: str) -> str:
    return visible(text, one_line=True)


def _child(parent: Element, tag: str, text: str = "", **attributes: str) -> Element:
    import xml.etree.ElementTree as ET

    shown = {name: _attribute(value) for name, value in attributes.items()}
    element = ET.SubElement(parent, tag, shown)
    if text:
        element.text = visible(text)
    return element
