"""What planted faults showed of a suite: on a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from harness.commands import terminal

if TYPE_CHECKING:
    from harness.api.planting import Planted
    from harness.api.selftesting import PlantedRun
    from harness.planting.catching import Rate

MOSTLY = 0.8
"""A fault is caught by the suite where a gate fails in this share of the rehearsals, the usual power."""


def say(found: PlantedRun) -> None:
    """Print the faults, the clean answers, and what the gates said."""
    terminal.say(_title(found))
    terminal.say("")
    columns = ["fault", "planted", "named by", "caught % (95 %)", "failed"]
    rows = [
        [fault.fault, fault.planted, _marked(found, metric), caught, _failed(found, fault)]
        for fault in found.faults
        for metric, caught in _naming(fault)
    ]
    terminal.print_table(columns, rows, "fault", "caught % (95 %)", "failed")
    terminal.say("")
    columns = ["on clean answers", "with a value", "flagged % (95 %)"]
    rows = [
        [_marked(found, one.metric), one.flagged.times, _percent(one.flagged)]
        for one in found.clean
        if one.slice == "all"
    ]
    terminal.print_table(columns, rows, *columns)
    terminal.say("")
    for line in _remarks(found):
        terminal.say_wrapped(line)


def markdown(found: PlantedRun) -> str:
    """Give the same as a Markdown page, and every metric by slice."""
    from harness.report.markdown import inline, plain

    slices = list(dict.fromkeys(one.slice for one in found.clean if one.slice != "all"))
    named, seen = [], []
    for fault in found.faults:
        for metric, caught in _naming(fault):
            named.append(
                [fault.fault, str(fault.planted), metric and inline(metric), caught, _failed(found, fault)]
            )
        for one in fault.caught:
            if one.slice == "all" and one.caught.count:
                parts = {part.slice: part.caught for part in fault.caught if part.metric == one.metric}
                shares = [_percent(parts[name]) if name in parts else "" for name in slices]
                silent = str(one.silent or "")
                seen.append([fault.fault, inline(one.metric), _percent(one.caught), silent, *shares])
    clean = []
    for flag in (one for one in found.clean if one.slice == "all"):
        flags = {one.slice: one.flagged for one in found.clean if one.metric == flag.metric}
        shares = [_percent(flags[name]) if name in flags else "" for name in slices]
        clean.append([inline(flag.metric), str(flag.flagged.times), _percent(flag.flagged), *shares])
    by_slice = [inline(name) for name in slices]
    why_not = [
        [fault.fault, plain(why), str(count)]
        for fault in found.faults
        for why, count in fault.not_plantable.items()
    ]
    lines = [
        f"# {plain(_title(found))}",
        "",
        *_table(["fault", "planted", "named by", "caught % (95 %)", "suite failed"], named),
        "",
        *(f"- {plain(line)}" for line in _remarks(found)),
        "",
        "## Caught, by every metric that catches any",
        "",
        *_table(["fault", "metric", "caught %", "no value", *by_slice], seen),
        "",
        "## Clean answers flagged",
        "",
        *_table(["metric", "with a value", "flagged %", *by_slice], clean),
        "",
        "## Not plantable",
        "",
        *_table(["fault", "why", "answers"], why_not),
    ]
    return "\n".join(lines) + "\n"


def _title(found: PlantedRun) -> str:
    answers = f"{found.answers:,} answers of {found.cases:,} cases"
    return f"faults planted in run {found.run} of {found.suite}: {answers}, seed {found.seed}"


def _naming(fault: Planted) -> Iterator[tuple[str, str]]:
    """Give each metric that names a fault, and how often it caught it; one empty pair where none does."""
    rates = {one.metric: one.caught for one in fault.caught if one.names and one.slice == "all"}
    yield from ((metric, _percent(rate)) for metric, rate in rates.items())
    if not rates:
        yield "", ""


def _marked(found: PlantedRun, metric: str) -> str:
    return f"+{metric}" if metric in found.lacking else metric


def _failed(found: PlantedRun, fault: Planted) -> str:
    held = found.gates.get(fault.fault)
    return f"{held.failed.count}/{held.failed.times}" if held is not None else ""


def _percent(rate: Rate) -> str:
    return f"{100 * rate.count / rate.times:.1f} ({100 * rate.low:.0f} to {100 * rate.high:.0f})"


def _remarks(found: PlantedRun) -> Iterator[str]:
    """Say in words what the gates did, and what the suite lacks."""
    if found.gates:
        caught = [
            name for name, held in found.gates.items() if held.failed.count >= MOSTLY * held.failed.times
        ]
        yield (
            f"with a fault in {100 * found.share:g} % of the cases the suite fails on {len(caught)} of"
            f" {len(found.gates)} faults, in {100 * MOSTLY:g} % of the times or more"
        )
    for name, held in found.gates.items():
        said = ", ".join(f"{gate} {rate.count}/{rate.times}" for gate, rate in held.gates.items())
        waits = (
            f", inconclusive {held.held_back.count}/{held.held_back.times}" if held.held_back.count else ""
        )
        yield f"{name} in {held.planted:,} cases: {said or 'no gate fails'}{waits}"
    for fault in found.faults:
        lacking = [metric for metric, _ in _naming(fault) if metric in found.lacking]
        if lacking:
            yield f"+ the suite lacks {', '.join(lacking)}, which names {fault.fault}"
        if not fault.planted:
            why = ", ".join(fault.not_plantable)
            yield f"! {fault.fault} could be planted nowhere: {why}"
    if found.failing:
        yield f"! these gates fail on the clean run already: {', '.join(found.failing)}"
    yield from (f"! {notice}" for notice in found.notices)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows)]
