"""Writes docs/metrics/: a card for every metric, from its own declaration and the figures of the benchmarks.

    python benchmarks/metric_cards.py        (make cards)

A figure is a row ``{metric, set, n, figure, value, low, high, note}`` in the ``rows`` of a file of
``MEASURED`` (``agreement`` reads the one that has groups instead); the card of a metric without a row says
that it was not measured.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from planted_tables import Row

from harness.planting.faults import FAULTS
from harness.registry import CATCHES, METRICS, declared
from harness.types import Metric

ROOT = Path(__file__).resolve().parents[1]
CARDS = ROOT / "docs" / "metrics"
MEASURED = ("planted_faults", "human_agreement", "refusal_agreement", "local_model")
"""Benchmarks whose ``.json`` holds rows about metrics, and whose ``.md`` shows them."""
REFUSALS = ("refusal_correctness", "over_refusal_rate", "under_refusal_rate")
HEADS = ("set", "figure", "n", "value", "95 %", "note")
WRITTEN = "<!-- written by `make cards`: change the metric's declaration or its benchmark, not this page -->"


def main() -> None:
    CARDS.mkdir(exist_ok=True)
    wanted = pages()
    for path in CARDS.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (CARDS / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Give every page of the folder, by file name."""
    figures = {name: read_rows(ROOT / "benchmarks" / f"{name}.json") for name in MEASURED}
    metrics = {stem: declared(stem) for stem in METRICS}
    cards = {f"{stem}.md": card(stem, metric, figures) for stem, metric in metrics.items()}
    return {"README.md": index(metrics), **cards}


def read_rows(path: Path) -> tuple[Row, ...]:
    """Read the rows of a benchmark; none where it was not run yet."""
    if not path.is_file():
        return ()
    document = json.loads(path.read_bytes())
    return msgspec.convert(document["rows"], tuple[Row, ...]) if "rows" in document else agreement(document)


def agreement(document: Mapping[str, Any]) -> tuple[Row, ...]:
    """Read the agreement on refusals: sets, or parts of sets, with a list of groups each.

    What all refusal metrics rest on was measured: whether an answer refuses. Over all of a set, and by
    language.
    """
    parts = {name: part for name, part in document.items() if isinstance(part, list)}
    for name, part in document.items():
        if isinstance(part, dict):
            parts |= {f"{name}, {kind}": groups for kind, groups in part.items()}
    rows = []
    for name, groups in parts.items():
        for group in groups:
            found, kind = group.get("ours", group), name.partition(", ")[2]
            whole = group["group"] in ("all", "both")
            if not whole and kind != "language":
                continue
            where = name.partition(", ")[0] + ("" if whole else f", language={group['group']}")
            n, figure = group.get("decided", group["n"]), "refused or not: agreement"
            note = "with the set's own rule" if "decided" in group else "with people"
            rows += [
                Row(stem, where, n, figure, found["agree"], *found["low_high"], note) for stem in REFUSALS
            ]
    return tuple(rows)


def card(stem: str, metric: Metric, figures: Mapping[str, Iterable[Row]]) -> str:
    """Give the card of one metric."""
    faults = CATCHES.get(stem, ())
    facts = (
        ("range", _range(metric)),
        ("better", "higher" if metric.higher_is_better else "lower"),
        ("version", str(metric.version)),
        (
            "name in a suite",
            f"`{_name(stem, metric)}`" + (", k a whole number from 1" if metric.cutoff else ""),
        ),
        ("needs", ", ".join(("case", "response", *metric.needs))),
        ("statuses", ", ".join(f"`{status}`" for status in _statuses(metric))),
        ("answers for", ", ".join(f"`{fault}`" for fault in faults) or "no planted fault"),
    )
    lines = [WRITTEN, f"# {stem}", "", *_text(metric), "", "| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in facts]
    if faults:
        lines += ["", "It has to catch:", "", *(f"- `{fault}`: {FAULTS[fault].what}" for fault in faults)]
    lines += ["", "## Measured", "", *_measured(stem, figures)]
    return "\n".join(lines) + "\n"


def index(metrics: Mapping[str, Metric]) -> str:
    """Give the page that lists all cards."""
    rows = []
    for stem, metric in metrics.items():
        better = "higher" if metric.higher_is_better else "lower"
        link, faults = f"[`{_name(stem, metric)}`]({stem}.md)", ", ".join(CATCHES.get(stem, ()))
        cells = (link, _plain(metric.doc), _range(metric), better, faults, str(metric.version))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(
        [
            WRITTEN,
            "# Metric cards",
            "",
            "One card a metric: its definition, when it says nothing, which [planted faults](../plan.md) it",
            "answers for, and what was measured of it. What they have in common: [metrics](../metrics.md).",
            "",
            "| metric | is | range | better | answers for | version |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _name(stem: str, metric: Metric) -> str:
    return f"{stem}@k" if metric.cutoff else stem


def _range(metric: Metric) -> str:
    span = f"{metric.low:g} and up" if metric.high is None else f"{metric.low:g} to {metric.high:g}"
    return f"{span} {metric.unit}".rstrip()


def _statuses(metric: Metric) -> Iterator[str]:
    """Name the statuses that a score may have, but for a metric that never applies to something else."""
    yield from ("scored", "not_applicable")
    if not metric.on_error:
        yield from ("system_error", "timeout")
    if "judge" in metric.needs:
        yield "judge_error"


def _text(metric: Metric) -> list[str]:
    return _plain(inspect.cleandoc(metric.score.__doc__ or "")).split("\n")


def _plain(text: str) -> str:
    return re.sub(r"``(.+?)``", r"`\1`", text)


def _measured(stem: str, figures: Mapping[str, Iterable[Row]]) -> Iterator[str]:
    """Give the figures by benchmark, and the languages that they are of."""
    found = {name: [row for row in rows if row.metric == stem] for name, rows in figures.items()}
    if not any(found.values()):
        yield "Not measured."
        return
    languages = {
        match.group(1)
        for rows in found.values()
        for row in rows
        for match in re.finditer(r"language=(\w+)", row.set)
    }
    if languages:
        yield from (f"Shown in these languages: {', '.join(sorted(languages))}.", "")
    for name, rows in found.items():
        if not rows:
            continue
        yield f"From [{name}](../../benchmarks/{name}.md):"
        yield from ("", f"| {' | '.join(HEADS)} |", "|---|---|--:|--:|--:|---|")
        yield from (_row(row) for row in rows)
        yield ""


def _row(row: Row) -> str:
    limits = "" if row.low is None or row.high is None else f"{row.low:.3f} to {row.high:.3f}"
    cells = (row.set, row.figure, str(row.n), f"{row.value:.3f}", limits, row.note)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


if __name__ == "__main__":
    main()
