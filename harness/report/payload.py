"""The cases of a report as blocks for the HTML page: an index, details in blocks, passages stored once."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from harness.report import wording
from harness.report.case_page import MAX_QUESTION, detail, direction, shown, written
from harness.report.visible import visible
from harness.types import UNSCORED, CasePair, Passage, Report, Result

CASES_PER_BLOCK, PASSAGES_PER_BLOCK = 250, 400
MAX_BYTES = 25_000_000
"""Size of the blocks beyond which no more details are kept; the index has every case of the report."""

MAX_COLUMNS = 3
REGRESSED, UNSCORED_CASE, FLIPPED = 1, 2, 4
"""Flags of a case in the index."""


class Payload(Struct, frozen=True):
    """Blocks, each gzip in base64: one index, details by 250 cases, passages by 400."""

    index: str
    details: tuple[str, ...]
    passages: tuple[str, ...]


def pack(report: Report, max_bytes: int = MAX_BYTES) -> Payload:
    """Give the blocks; the same report gives the same bytes.

    Every text is already visible (no control characters) and every number already written, so that the
    page only places them. Regressions come first, worst first, then cases without a score, then the rest
    in the order of the goldens; where the size limit is reached, the details of the last are left out.
    """
    pairs = _worst_first(report)
    table = _PassageTable()
    details: list[str] = []
    size = 0
    for start in range(0, len(pairs), CASES_PER_BLOCK):
        mark = len(table.rows)
        block = _block(
            [detail(report, pair, table.number) for pair in pairs[start : start + CASES_PER_BLOCK]]
        )
        size += len(block) + len(_block(table.rows[mark:]))
        if size > max_bytes and details:
            del table.rows[mark:]
            break
        details.append(block)
    chunks = range(0, len(table.rows), PASSAGES_PER_BLOCK)
    passages = [_block(table.rows[start : start + PASSAGES_PER_BLOCK]) for start in chunks]
    index = _block(_index(report, pairs, kept=len(details) * CASES_PER_BLOCK))
    return Payload(index, tuple(details), tuple(passages))


class _PassageTable:
    """Passages, each document and text once, by number."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []
        self._numbers: dict[tuple[str, str], int] = {}

    def number(self, passage: Passage) -> int:
        """Give the number of a passage, adding it when it is new."""
        key = passage.doc_id, passage.text
        if key not in self._numbers:
            self._numbers[key] = len(self.rows)
            self.rows.append((visible(passage.doc_id, one_line=True), shown(passage.text)))
        return self._numbers[key]


def _block(value: Any) -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)  # 31: a gzip header, without a time in it
    packed = packer.compress(msgspec.json.encode(value)) + packer.flush()
    return base64.b64encode(packed).decode()


def _worst_first(report: Report) -> list[CasePair]:
    places: dict[str, int] = {}
    for place, change in enumerate(report.regressions):
        places.setdefault(change.case_id, place)

    def rank(pair: CasePair) -> tuple[int, int]:
        if pair.case.id in places:
            return 0, places[pair.case.id]
        return (1 if _is_unscored(pair.candidate) else 2), 0

    return sorted(report.cases, key=rank)


def _is_unscored(result: Result | None) -> bool:
    if result is None or result.response.error is not None:
        return True
    return any(score.status in UNSCORED for score in result.scores.values())


# -- index -------------------------------------------------------------------------------------------------


def _index(report: Report, pairs: Sequence[CasePair], kept: int) -> dict[str, Any]:
    columns = _columns(report)
    labels = sorted({label for pair in pairs for label in pair.slices})
    places = {label: place for place, label in enumerate(labels)}
    regressed = {change.case_id for change in report.regressions}
    flipped = set[str]()
    if report.attribution is not None:
        flipped = {*report.attribution.now_refuses, *report.attribution.now_answers}
    rows = []
    for pair in pairs:
        case_id = pair.case.id
        flags = REGRESSED * (case_id in regressed) | FLIPPED * (case_id in flipped)
        flags |= UNSCORED_CASE * _is_unscored(pair.candidate)
        cells = [_moved(report, pair, metric) for metric in columns]
        rows.append([
            visible(case_id, one_line=True),
            visible(pair.case.query.input[:MAX_QUESTION], one_line=True),
            visible(pair.cause, one_line=True),
            flags,
            [places[label] for label in pair.slices],
            cells,
        ])  # fmt: skip
    before, _, after = wording.command_template(report).partition("{case}")
    return {
        "columns": [visible(metric, one_line=True) for metric in columns],
        "slices": [visible(label, one_line=True) for label in labels],
        "paired": report.baseline is not None,
        "kept": kept,
        "notShown": report.not_shown,
        "run": visible(report.run.id, one_line=True),
        "sizes": [CASES_PER_BLOCK, PASSAGES_PER_BLOCK],
        "command": [visible(before, one_line=True), visible(after, one_line=True)],
        "cases": rows,
    }


def _columns(report: Report) -> list[str]:
    """The metrics that the list shows: the gated ones in suite order, else the first ones."""
    gated = [verdict.metric for verdict in report.verdicts if verdict.metric in report.run.metrics]
    return list(dict.fromkeys(name for name in [*gated, *report.run.metrics] if name))[:MAX_COLUMNS]


def _moved(report: Report, pair: CasePair, metric: str) -> list[Any]:
    """Before, after, and which way it went: -1 worse, 0 even or unknown, 1 better."""
    before, after = (
        None if result is None else result.scores.get(metric) for result in (pair.baseline, pair.candidate)
    )
    unit = wording.unit(report, metric)
    return [written(before, unit), written(after, unit), direction(report, metric, before, after)]
