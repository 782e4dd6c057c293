"""The report as GitHub Markdown, for a step summary or one sticky comment; data in it stays inert."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from harness import numbers
from harness.report import gap_words, wording
from harness.report.judge_rows import judge_rows
from harness.report.robustness_rows import HEAD, robustness_rows
from harness.report.visible import inert_line, visible
from harness.report.wording import GateRow
from harness.types import CaseChange, CasePair, Report, Result, Scalar

SUMMARY_BYTES = 900_000
"""Below GitHub's limit of 1 MiB for a step summary; over that the upload fails as a whole."""

COMMENT_BYTES = 65_000
"""Below GitHub's limit of 65,536 characters for a comment."""

MAX_GATES, MAX_WORST, MAX_QUOTED, MAX_ROWS, MAX_NOTICES = 20, 10, 3, 30, 5
_CELL, _FENCED, _NOTE_BYTES = 160, 600, 200
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$&])")
_LINKED = re.compile(r"@(?=\w)|#(?=\d)|GH-(?=\d)|:(?=//)|www(?=\.)", re.IGNORECASE)
_BREAK = "\u200b"  # visible() has taken any other out of the data
_BLOCK_START = re.compile(r"^(\s*)([#+\-=]|\d+(?=[.)]))")


def render(report: Report, max_bytes: int = SUMMARY_BYTES) -> str:
    """Give the Markdown, lines ended by a line feed.

    Texts of the model and of the goldens stand in fences longer than any run of backticks inside, or in
    inline code; other data is escaped so that it makes no mention, link, image, heading or table cell.

    Args:
        report: what is shown.
        max_bytes: size in UTF-8 that is not passed (``COMMENT_BYTES`` for a comment). Detail sections are
            left out from the last one on until it fits, and a line says so.
    """
    top = _join([f"<!-- harness:{_marker(report.run.suite_name)} -->", *_headline(report)])
    head = top + _join(["", *_gates(report), *_judged(report)])
    foot = _join(_foot(report))
    if len((head + foot).encode()) + _NOTE_BYTES > max_bytes:
        head = top
    room = max_bytes - len((head + foot).encode()) - _NOTE_BYTES
    kept: list[str] = []
    dropped: list[str] = []
    for name, lines in _sections(report):
        section = _join(lines)
        room -= len(section.encode())
        if room >= 0:
            kept.append(section)
        else:
            dropped.append(name)
    note = (
        f"\nLeft out to keep this short: {', '.join(dropped)}. The full report has them.\n" if dropped else ""
    )
    return head + "".join(kept) + note + foot


def inline(text: str, limit: int = _CELL) -> str:
    """Give text of any origin as inline code that also holds in a table cell."""
    shown = visible(text, one_line=True)
    shown = shown if len(shown) <= limit else shown[: limit - 1] + "…"
    runs = [len(run) for run in re.findall("`+", shown)]
    ticks = "`" * next(n for n in range(1, len(runs) + 2) if n not in runs)
    blank = " " if shown[:1] in ("`", " ", "") or shown[-1:] in ("`", " ") else ""
    code = f"{ticks}{blank}{shown}{blank}{ticks}"
    # A backslash before a pipe would make the pair an escaped backslash and a cell's end: keep them apart.
    return code.replace("\\|", f"\\{_BREAK}|").replace("|", "\\|")


def plain(text: str, limit: int = 600) -> str:
    """Give text of ours that holds data: nothing in it is markup, a mention, a reference or a link."""
    shown = visible(text, one_line=True)
    shown = shown if len(shown) <= limit else shown[: limit - 1] + "…"
    shown = _LINKED.sub(f"\\g<0>{_BREAK}", shown)
    shown = _SPECIAL.sub(r"\\\1", shown)
    shown = _BLOCK_START.sub(rf"\1{_BREAK}\2", shown)
    return shown.replace(_BREAK, "&#8203;")


def fenced(text: str, limit: int = _FENCED) -> list[str]:
    """Give text of any origin as a fenced block, cut to ``limit`` characters."""
    shown = visible(text)
    shown = shown if len(shown) <= limit else f"{shown[:limit]}\n… ({len(shown) - limit:,} more characters)"
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *shown.split("\n"), fence]


def _join(lines: Iterable[str]) -> str:
    return "".join(f"{inert_line(line)}\n" for line in lines)


def _marker(title: str) -> str:
    """The suite's name as it may stand in a comment."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", title)[:64].strip("-.") or "suite"


def _headline(report: Report) -> list[str]:
    glyph, word = wording.GLYPHS[report.outcome], wording.TITLES[report.outcome]
    first, *rest = wording.top_lines(report)
    lines = [f"### {glyph} {word} — {plain(first)} · {plain(report.title)}"]
    for place, text in enumerate(rest):
        lines += ["", f"**{plain(text)}**" if place == 0 else plain(text)]
    early = wording.early_stop(report)
    if early:
        lines += ["", plain(f"{early[0].upper()}{early[1:]}.")]
    missing = wording.not_scored(report)
    if missing:
        lines += ["", f"Not scored {plain(missing)}"]
    notices = [f"- {plain(notice, 300)}" for notice in report.notices[:MAX_NOTICES]]
    if len(report.notices) > MAX_NOTICES:
        notices.append(f"- and {wording.plural(len(report.notices) - MAX_NOTICES, 'more notice')}")
    return [*lines, "", *notices] if notices else lines


def _table(head: Sequence[str], aligned: str, rows: Iterable[Sequence[str]]) -> list[str]:
    """Lay out a table; ``aligned`` has one of ``<`` and ``>`` for each column."""
    rule = "|".join("--:" if side == ">" else "---" for side in aligned)
    body = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", f"|{rule}|", *body] if body else []


def _gates(report: Report) -> list[str]:
    pressing = [row for row in wording.gate_rows(report) if row.outcome in ("fail", "inconclusive")]
    shown = pressing[:MAX_GATES]
    lines = _gate_table(report, shown)
    if len(pressing) > len(shown):
        lines += ["", f"and {wording.plural(len(pressing) - len(shown), 'more gate')} that did not pass"]
    whys = [f"- {inline(row.gate)} {plain(row.rule, 200)}: {plain(row.reason, 400)}" for row in shown]
    whys += [f"- {inline(row.gate)} {plain(row.advice, 200)}" for row in shown if row.advice]
    return [*lines, "", *whys] if whys else lines


def _judged(report: Report) -> list[str]:
    """The judge's own figures beside the corrected ones: what decides must not be folded away."""
    rows = judge_rows(report)
    head = (
        "judged metric",
        "judge's own",
        "corrected by labels",
        "labelled",
        "own change",
        "corrected change",
    )
    paired = len(head) if report.baseline else len(head) - 2
    table = _table(head[:paired], "<>>>>>"[:paired], [(inline(row[0]), *row[1:paired]) for row in rows])
    whys = [
        f"- {inline(row.metric)} {row.standing}{plain(f': {row.why}' if row.why else '', 400)}"
        for row in rows
    ]
    return ["", *table, "", *whys] if rows else []


def _gate_table(report: Report, rows: Sequence[GateRow]) -> list[str]:
    level = numbers.level_name(verdict.interval for verdict in report.verdicts)
    if report.baseline is None:
        alone = [(inline(r.gate), r.candidate, r.interval, r.n, r.mark) for r in rows]
        return _table(("gate", "candidate", f"[{level}]", "n", ""), "<>>><", alone)
    columns = ("gate", "baseline", "candidate", f"change [{level}]", "n", "")
    paired = [
        (inline(r.gate), r.baseline, r.candidate, f"{r.change} {r.interval}".strip(), r.n, r.mark)
        for r in rows
    ]
    return _table(columns, "<>>>><", paired)


def _details(summary: str, lines: Iterable[str]) -> list[str]:
    """Fold lines away; ``summary`` is our own words."""
    body = "\n".join(lines).strip("\n")
    return ["", f"<details><summary>{summary}</summary>", "", *body.split("\n"), "", "</details>"]


def _sections(report: Report) -> Iterable[tuple[str, list[str]]]:
    """The details, most wanted first; the last are the first to go."""
    passed = [row for row in wording.gate_rows(report) if row.outcome == "pass"]
    if passed:
        title = f"{wording.plural(len(passed), 'gate')} passed"
        yield "passed gates", _details(title, _gate_table(report, passed[:MAX_ROWS]))
    worst = report.regressions[:MAX_WORST]
    if worst:
        title = f"{len(worst)} worst of {numbers.count(wording.n_regressions(report))} regressions"
        yield "worst cases", _details(title, _worst(report, worst))
    if report.changes:
        rows = [(inline(c.key), _scalar(c.before), _scalar(c.after)) for c in report.changes[:MAX_ROWS]]
        yield "config diff", _details("What changed", _table(("key", "before", "after"), "<<<", rows))
    if report.gaps:
        yield "fairness", _details(_gap_title(report), _gaps(report))
    if report.slices:
        yield "slices", _details("Slices, hardest hit first", _slices(report))
    robust = [(inline(row.metric), inline(row.kind), *row[2:]) for row in robustness_rows(report)]
    if robust:
        table = _table(HEAD, "<<>>>>>>", robust[:MAX_ROWS])
        yield "robustness", _details("The same question asked otherwise", table)
    if report.comparisons or report.estimates:
        yield "metrics", _details("All metrics", _metrics(report))
    quoted = _quoted(report)
    if quoted:
        yield "answers", _details("The worst cases in words", quoted)


def _worst(report: Report, worst: Sequence[CaseChange]) -> list[str]:
    rows = [
        (
            inline(change.case_id),
            f"{inline(change.metric)} {wording.since(change)}".rstrip(),
            wording.case_change(report, change),
            inline(change.cause, 60) if change.cause else "",
            " ".join(inline(label, 40) for label in change.slices[:4]),
        )
        for change in worst
    ]
    return _table(("case", "metric", "change", "cause", "slices"), "<<><<", rows)


def _scalar(value: Scalar) -> str:
    return numbers.NONE if value is None else inline(str(value))


def _gap_title(report: Report) -> str:
    small = sum(not group.enough for gap in report.gaps for group in gap.groups)
    failed = sum(v.outcome == "fail" for v in report.verdicts if v.gap is not None)
    gates, groups = wording.plural(failed, "gap gate"), wording.plural(small, "group")
    return f"Fairness: {gates} failed, {groups} with too few cases to judge"


def _gaps(report: Report) -> list[str]:
    lines: list[str] = []
    for gap in report.gaps:
        unit = wording.unit(report, gap.metric)
        lines += ["", f"{inline(gap.metric)} by {inline(gap.attribute)}", ""]
        rows = [
            (
                inline(group.group, 60),
                numbers.with_interval(group.estimate.value, group.estimate.interval, unit),
                numbers.used(group.estimate),
                gap_words.group_finding(gap, group, unit).text,
            )
            for group in gap.groups[:MAX_ROWS]
        ]
        lines += _table(("group", "mean", "n", "against the rest"), "<>><", rows)
    return lines


def _slices(report: Report) -> list[str]:
    rows = [
        (
            inline(found.slice.label, 80),
            inline(found.metric),
            numbers.with_interval(
                found.change, found.interval, wording.unit(report, found.metric), change=True
            ),
            numbers.count(found.n_pairs),
        )
        for found in report.slices[:MAX_ROWS]
    ]
    return _table(("slice", "metric", "change", "n"), "<<>>", rows)


def _metrics(report: Report) -> list[str]:
    if not report.comparisons:
        alone = [
            (
                inline(name),
                numbers.with_interval(found.value, found.interval, wording.unit(report, name)),
                numbers.used(found),
            )
            for name, found in report.estimates.items()
        ]
        return _table(("metric", "value", "n"), "<>>", alone)
    rows = [
        (
            inline(found.metric),
            numbers.number(found.means[0], wording.unit(report, found.metric)),
            numbers.with_interval(
                found.change, found.interval, wording.unit(report, found.metric), change=True
            ),
            numbers.count(found.n_pairs),
            plain(wording.finding(found, wording.unit(report, found.metric)).text),
        )
        for found in report.comparisons
    ]
    return _table(("metric", "baseline", "change", "n", ""), "<>>><", rows)


def _quoted(report: Report) -> list[str]:
    """The first worst cases with question, golden and both answers, as text in fences."""
    pairs = {pair.case.id: pair for pair in report.cases}
    ids = [i for i in dict.fromkeys(change.case_id for change in report.regressions) if i in pairs]
    lines: list[str] = []
    for case_id in ids[:MAX_QUOTED]:
        lines += ["", inline(case_id)]
        for title, text in _words(pairs[case_id]):
            lines += ["", title, "", *fenced(text)]
    return lines


def _words(pair: CasePair) -> list[tuple[str, str]]:
    golden = "\n".join(pair.case.expected_output) or f"({pair.case.expected_behavior})"
    words = [("question", pair.case.query.input), ("golden", golden)]
    if pair.baseline is not None:
        words.append(("baseline", _answer(pair.baseline)))
    return [*words, ("candidate", _answer(pair.candidate))]


def _answer(result: Result | None) -> str:
    if result is None:
        return "(not run)"
    if result.response.error is not None:
        return f"({result.response.error.kind}: {result.response.error.message})"
    return result.response.output or ""


def _foot(report: Report) -> list[str]:
    lines = [""]
    command = wording.one_case(report)
    if command:
        lines += [f"Reproduce: {inline(command, 400)}", ""]
    run = report.run
    parts = [f"run {inline(wording.run_name(run))}"]
    parts.append(f"baseline {inline(wording.baseline_name(report))}" if report.baseline else "no baseline")
    parts.append(f"goldens {inline(run.dataset_digest[:12])}")
    parts += [f"judge {inline(digest[:12])}" for digest in sorted(set(run.judges.values()))]
    return [*lines, f"<sub>{' · '.join(parts)}</sub>"]
