"""How it is told whether a baseline still holds."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.commands import terminal

if TYPE_CHECKING:
    from harness.baselines import Baseline
    from harness.freshness import Freshness, Move
    from harness.types import Recorded, Run


def tell(found: Freshness, sample: Recorded, baseline: Baseline, *, as_json: bool) -> None:
    """Print what a fresh sample says of a baseline, at the terminal's width or as JSON."""
    import msgspec

    run = sample.run
    if as_json:
        ids = [recorded.run.id for recorded in baseline.runs]
        document = {"run": run.id, "seed": run.seed, "baseline": ids, "freshness": found}
        terminal.print_json(msgspec.json.encode(document, order="deterministic").decode())
        return
    of = f"{found.cases:,} of its {len(baseline.runs[0].cases):,} cases"
    drawn = f"{found.documents:,} documents, seed {run.seed}"
    terminal.say(f"baseline of {run.suite_name}: {of} asked again ({drawn})")
    terminal.say("")
    columns = ["metric", "baseline", "change", "interval", "p", "sees"]
    terminal.print_table(columns, [_row(one, run) for one in found.moves], *columns[1:])
    terminal.say("")
    for line in _remarks(found, sample):
        terminal.say_wrapped(line)


def _row(move: Move, run: Run) -> list[str]:
    from harness.numbers import interval, number, p_value, relative, relative_interval, signed

    found, unit = move.comparison, run.metrics[move.metric].unit
    before, p = number(found.baseline.value, unit), p_value(found.p_adjusted)
    if found.scale == "ratio":
        change, ends = relative(found.change, change=True), relative_interval(found.interval)
        return [move.metric, before, change, ends, p, relative(found.detectable)]
    change, ends = signed(found.change, unit), interval(found.interval, unit, change=True)
    return [move.metric, before, change, ends, p, number(found.detectable, unit)]


def _remarks(found: Freshness, sample: Recorded) -> Iterator[str]:
    """The verdict in words, why, and what is to be done."""
    from harness.freshness import ALPHA, again_text

    run, path = sample.run, shlex.quote(sample.run.suite_path)
    if found.moves:
        yield (
            f"p is adjusted for all metrics, intervals hold together with {100 * (1 - ALPHA):g} %, a move as"
            " large as it sees is found with 80 %"
        )
    failed = sum(result.response.error is not None for result in sample.results)
    if failed:
        calls = f"{failed:,} of {len(sample.results):,} calls failed"
        yield f"! {calls}: `harness show {run.id} --errors` lists them"
    if found.state == "holds":
        yield "the baseline still holds: no metric moved"
        return
    if found.state == "undecided":
        yield f"! it cannot be told whether the baseline still holds: {'; '.join(found.reasons)}"
        if failed:
            yield f"ask again what failed: `harness baseline check {path} --resume {run.id} --retry-errors`"
        return
    yield f"! the baseline moved: {'; '.join(found.reasons)}"
    yield again_text(run.suite_path, run.candidate)
