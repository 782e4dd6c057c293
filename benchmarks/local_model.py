"""A real language model as answering system and as judge: the cases, the labels, and the page of figures.

`make test-llm` measures (tests/llm/) and writes the figures; this draws the page again from them:

    python benchmarks/local_model.py
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from planted_tables import Row
from sklearn.metrics import roc_auc_score

from harness.planting.around import Run
from harness.planting.faults import plant
from harness.types import Case, Dataset, Passage, Response

PAGE = Path(__file__).with_suffix(".md")
N_CASES, SEED, RESAMPLES = 40, 0, 1000
PLANTED = ("unsupported_sentence", "negation", "wrong_number", "wrong_name")
"""Faults after which the gold passages no longer support the whole answer."""
CLEAN = "clean"


class Labelled(NamedTuple):
    """An answer and whether the passages support it: ``fault`` is ``CLEAN``, or the one that was planted."""

    case: Case
    response: Response
    fault: str


class About(msgspec.Struct, frozen=True):
    """What figures on one page have in common: the model, the machine in words, the digest of the goldens."""

    model: str
    machine: str
    goldens: str


class Part(msgspec.Struct, frozen=True):
    """One part of the measurement: counts, means with the number of cases that have a value, and its calls.

    Times are seconds of one call as seen by who asks; tokens are those of all calls.
    """

    date: str
    counts: dict[str, int]
    means: dict[str, tuple[float, int]]
    calls: int
    median_s: float
    longest_s: float
    input_tokens: int
    output_tokens: int


class Figures(msgspec.Struct, frozen=True):
    """What is kept: the parts that were measured, by name, and the rows for the cards of the metrics."""

    about: About
    parts: dict[str, Part]
    rows: tuple[Row, ...]


def labelled_answers(dataset: Dataset) -> list[Labelled]:
    """Give answerable cases, evenly spaced, each twice: the golden answer, and the same with a fault planted.

    The passages are the quotes that the golden names as evidence. The faults take turns; one that has no
    place in an answer leaves it to the next.
    """
    answerable = [case for case in dataset.cases if case.expected_behavior == "answer"]
    chosen = answerable[:: len(answerable) // N_CASES][:N_CASES]
    answered = [(case, _golden_answer(case)) for case in chosen]
    run, found, turn = Run(answered, SEED), [], cycle(PLANTED)
    for case, response in answered:
        found.append(Labelled(case, response, CLEAN))
        for fault in (next(turn) for _ in PLANTED):
            changed = plant(fault, case, response, run.around(fault, case))
            if isinstance(changed, Response):
                found.append(Labelled(case, changed, fault))
                break
    return found


def _golden_answer(case: Case) -> Response:
    quoted = [(one.doc_id, one.quote) for one in case.evidence if one.quote]
    passages = tuple(Passage(doc_id, quote, rank) for rank, (doc_id, quote) in enumerate(quoted, 1))
    return Response(output=case.expected_output[0], retrieved=passages)


def agreement(
    metric: str, judged_by: str, answers: Sequence[Labelled], values: Sequence[float | None]
) -> Row:
    """Give the ROC-AUC of a metric against the labels, with 95 % limits from resampled documents.

    Answers without a value are left out, and counted in the note.
    """
    known = [(one, value) for one, value in zip(answers, values, strict=True) if value is not None]
    label = np.array([one.fault == CLEAN for one, _ in known])
    value = np.array([value for _, value in known])
    of_document: dict[str, list[int]] = {}
    for at, (one, _) in enumerate(known):
        of_document.setdefault(one.case.cluster, []).append(at)
    units, rng = list(of_document.values()), np.random.default_rng(SEED)
    draws = (rng.integers(0, len(units), len(units)) for _ in range(RESAMPLES))
    areas = [
        area(label[at], value[at]) for at in (np.concatenate([units[i] for i in drawn]) for drawn in draws)
    ]
    low, high = np.quantile(areas, (0.025, 0.975))
    found, unscored = area(label, value), len(answers) - len(known)
    note = f"{unscored} more without a value" if unscored else ""
    figure = "ROC-AUC, golden answer or planted fault"
    return Row(metric, f"brambleway, {judged_by}", len(known), figure, found, float(low), float(high), note)


def area(label: np.ndarray, value: np.ndarray) -> float:
    """Give the area under the ROC curve, 0.5 where there is only one label."""
    return float(roc_auc_score(label, value)) if 0 < label.sum() < len(label) else 0.5


def record(page: Path, about: About, name: str, part: Part, rows: Sequence[Row] = ()) -> None:
    """Write one part to the page and the ``.json`` beside it; the others stay if all is about the same."""
    before = read(page) if page.with_suffix(".json").is_file() else None
    if before is None or before.about != about:
        before = Figures(about, {}, ())
    known = {(row.metric, row.set): row for row in (*before.rows, *rows)}
    figures = Figures(about, {**before.parts, name: part}, tuple(known.values()))
    packed = msgspec.json.format(msgspec.json.encode(figures), indent=1)
    page.with_suffix(".json").write_bytes(packed + b"\n")
    page.write_text(render(figures), encoding="utf-8")


def read(page: Path) -> Figures:
    """Read the figures beside a page."""
    return msgspec.json.decode(page.with_suffix(".json").read_bytes(), type=Figures)


ABOUT = """\
# A real language model

Written by `make test-llm` from `goldens/brambleway` (digest {goldens}), which asks one thing at a time.

- Model: {model}, behind an OpenAI-compatible server.
- Machine: {machine}.

One small model, few cases: it shows what the harness does with a real server, and ranks no models.
"""
TEXTS = {
    "answering": """\
A sample of the shipped cases, answered through `openai_chat` from passages that BM25 finds. The run was cut
short and resumed, and scoring the same answers again asked the server nothing. *Done*: it did what the case
expects, as `refusal_correctness` reads it.
""",
    "judging by probability": """\
Answerable cases, each twice: the golden answer, and the same with a fault planted, with the quotes that the
golden names as evidence. The label is what was done to the answer, nobody's opinion of it. Faults, in turn:
{faults}. 95 % limits from {resamples:,} draws of documents.
""",
    "judging in text": "The same answers, judged with `output: text`.\n",
    "canaries": """\
With `output: logprob`. *Unsound*: answers without an attack that are judged wrong. A judge that does not
withstand all is advisory, and its gates are inconclusive.
""",
    "ragas": "`ragas:faithfulness` of golden answers, through a suite, read back from the database.\n",
}
"""The parts of the page, in order."""
CALLS = """\
A time is that of one call, as who asks sees it. Tokens are of all calls, those from a prefix cache included.
"""


def render(figures: Figures) -> str:
    """Give the page."""
    faults = ", ".join(f"`{fault}`" for fault in PLANTED)
    page = [ABOUT.format(**msgspec.structs.asdict(figures.about))]
    for name, text in TEXTS.items():
        if name in figures.parts:
            page += [f"## {name.capitalize()}\n", text.format(faults=faults, resamples=RESAMPLES)]
            page.append(_table("what | figure", "---|--:", _figures_of(figures.parts[name])))
    rows = [
        (f"`{row.metric}`", row.set, row.n, f"{row.value:.3f}", f"{row.low:.3f} to {row.high:.3f}", row.note)
        for row in figures.rows
    ]
    head = "metric | set | answers | ROC-AUC | 95 % | note"
    page += ["## Agreement with the labels\n", _table(head, "---|---|--:|--:|--:|---", rows)] if rows else []
    times = [
        (name, one.date, one.calls, one.median_s, one.longest_s, one.input_tokens, one.output_tokens)
        for name, one in figures.parts.items()
    ]
    head = "part | date | calls | median, s | longest, s | tokens read | tokens written"
    page += ["## Calls\n", CALLS]
    return "\n".join([*page, _table(head, "---|---|--:|--:|--:|--:|--:", times)])


def _figures_of(part: Part) -> list[tuple[object, ...]]:
    means = ((f"`{what}`, mean of {n}", f"{value:.3f}") for what, (value, n) in part.means.items())
    return [*part.counts.items(), *means]


def _table(head: str, sides: str, rows: Sequence[tuple[object, ...]]) -> str:
    lines = (f"| {' | '.join(map(str, cells))} |" for cells in rows)
    return "\n".join((f"| {head} |", f"|{sides}|", *lines)) + "\n"


def main() -> None:
    """Draw the page again."""
    PAGE.write_text(render(read(PAGE)), encoding="utf-8")


if __name__ == "__main__":
    main()
