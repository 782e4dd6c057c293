"""``harness plan``: what a run would see, ask, cost and take, before anything is asked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.commands import terminal

if TYPE_CHECKING:
    from harness.api.foreseeing import Foreseen
    from harness.foresight import GateForecast, TestForecast

UNKNOWN = "unknown"


@click.command()
@click.argument("suite", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--candidate", default="", metavar="NAME", help="Of this candidate. [default: the plain system]"
)
@click.option(
    "--repeat", "repeats", type=terminal.AT_LEAST_1, metavar="N", help="As if every case were asked N times."
)
@click.option(
    "--drop",
    type=float,
    callback=terminal.above_zero,
    metavar="X",
    help="Also how many cases it takes to find a drop of X (of max_ratio gates: a rise by the share X).",
)
@terminal.json_option
def plan(suite: Path, candidate: str, repeats: int | None, drop: float | None, as_json: bool) -> int:
    """Say what a run of SUITE could see, how much it would ask, and what that takes; nothing is asked.

    Per gate: cases, documents, its share of alpha, the smallest true drop found with 80 % power, and how many
    cases it takes to pass with 80 % if nothing changes. How far runs lie apart is measured on the baseline's
    runs, or assumed where it has fewer than two: then the number has a `~`. None of your code is imported.
    """
    import msgspec

    from harness.api.foreseeing import foresee

    found = foresee(suite, candidate=candidate, repeats=repeats, drop=drop)
    if as_json:
        terminal.print_json(msgspec.json.encode(found, order="deterministic").decode())
        return 0
    _say(found)
    return 0


def _say(found: Foreseen) -> None:
    from harness.numbers import count, number

    name = f"{found.suite}, candidate {found.candidate}" if found.candidate else found.suite
    runs = {0: "no baseline", 1: "a baseline of 1 run"}.get(
        found.baseline_runs, f"a baseline of {found.baseline_runs} runs"
    )
    terminal.say(f"{name}: {count(found.cases)} cases from {count(found.documents)} documents, {runs}")
    terminal.say("")
    columns = ["gate", "cases", "docs", "share of alpha", "sees", "to pass"]
    columns += [f"to see {found.wanted_drop:g}"] if found.wanted_drop is not None else []
    terminal.print_table(columns, [_row(gate, found.wanted_drop is not None) for gate in found.gates])
    terminal.say("")
    for line in _remarks(found):
        terminal.say_wrapped(line)
    terminal.say_wrapped(f"calls  {_calls(found)}")
    for line in _judging(found):
        terminal.say_wrapped(line)
    spent = found.spent
    cost = UNKNOWN if found.cost_usd is None else f"about {number(found.cost_usd, 'USD')}"
    terminal.say_wrapped(f"cost   {cost}{_basis(spent.with_cost, spent.asked)}{_of_judges(found)}")
    time = UNKNOWN if found.time_s is None else f"about {_duration(found.time_s)}"
    terminal.say_wrapped(
        f"time   {time}{_basis(spent.with_time, spent.asked)}; {found.max_concurrency} calls at a time"
    )
    for notice in found.notices:
        terminal.say_wrapped(f"note: {notice}")


def _remarks(found: Foreseen) -> Iterator[str]:
    """Say what the table cannot: which gates ask for more than these cases can show, what signs mean."""
    for gate in found.gates:
        if gate.hopeless:
            yield f"! {gate.gate}: {gate.hopeless}"
        elif (test := gate.wants_more) is not None:
            scope = "" if test.scope == "all" else f" {test.scope}:"
            yield f"! {gate.gate}:{scope} {test.cases:,} cases; {test.for_margin:,} would pass with 80 %"
    for gate in found.gates:
        if (test := gate.blindest) is not None and len(gate.tests) > 1:
            yield f"{gate.gate}: {len(gate.tests)} slices; shown is {test.scope}, which sees least"
    if any(gate.role == "primary" for gate in found.gates):
        yield "* primary: these have to pass; the others fail on proof"
    if any(test.basis == "assumed" for gate in found.gates for test in gate.tests):
        yield "~ assumed: a tenth of the pass/fail cases flip from run to run (docs/plan.md)"


def _row(gate: GateForecast, wants_drop: bool) -> list[object]:
    test = gate.blindest
    name = f"{gate.gate} *" if gate.role == "primary" else gate.gate
    if test is None:
        return [name, gate.cases, gate.documents, "", "", ""] + [""] * wants_drop
    share = "" if gate.share is None else f"{gate.share:.2g}"
    cells = [name, test.cases, test.documents, share, _sees(gate, test), _needed(test.for_margin)]
    return [*cells, _needed(test.for_drop)] if wants_drop else cells


def _sees(gate: GateForecast, test: TestForecast) -> str:
    from harness.numbers import number

    if test.detectable is None:
        return UNKNOWN
    shown = f"{100 * test.detectable:.1f} %" if "×" in gate.rule else number(test.detectable)
    return f"~{shown}" if test.basis == "assumed" else shown


def _needed(cases: int | None) -> str:
    return UNKNOWN if cases is None else f"{cases:,}"


def _calls(found: Foreseen) -> str:
    whole = f"{found.calls.all:,}"
    if found.repeats > 1:
        whole += f" ({found.cases:,} cases, {found.repeats} times)"
    if len(found.looks) == 1:
        return f"{whole}, no early stop"
    unchanged = UNKNOWN if found.calls.unchanged is None else f"about {found.calls.unchanged:,.0f}"
    return f"{whole}; {unchanged} if nothing changed, from {found.calls.first_look:,} (`check` stops early)"


def _judging(found: Foreseen) -> Iterator[str]:
    """How often judges are asked: a line in all, and one for each metric where there are several."""
    if not found.judging:
        return
    total = math.fsum(one.calls for one in found.judging)
    assumed = any(one.basis == "assumed" for one in found.judging)
    how = "~ assumed: one question an answer and judge" if assumed else "as the baseline's answers took"
    yield f"judges about {total:,.0f} calls beside those, less what the cache has ({how})"
    for one in found.judging:
        sign = "~" if one.basis == "assumed" else ""
        yield f"       {one.metric}: {sign}{one.calls:,.0f} to {', '.join(one.judges)}"


def _of_judges(found: Foreseen) -> str:
    """What judging costs, where anything is judged: known only where every metric's is."""
    from harness.numbers import number

    if not found.judging:
        return ""
    costs = [one.cost_usd for one in found.judging]
    known = [cost for cost in costs if cost is not None]
    total = f"about {number(math.fsum(known), 'USD')}" if len(known) == len(costs) else UNKNOWN
    return f"; judges {total}"


def _basis(known: int, asked: int) -> str:
    if not known:
        return " (no answer of a baseline says it)"
    return f" (from {known:,} of {asked:,} answers of the baseline)"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
