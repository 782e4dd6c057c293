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


class Timed(msgspec.Struct, frozen=True):
    """Calls of one kind: how many, what the middle one and the slowest took, and the tokens of all."""

    what: str
    calls: int
    median_s: float
    longest_s: float
    input_tokens: int
    output_tokens: int


class Figures(msgspec.Struct, frozen=True):
    """What is kept of one measurement. ``asked`` are counts of what became of the cases, by name."""

    date: str
    model: str
    machine: str
    goldens: str
    asked: dict[str, int]
    means: dict[str, tuple[float, int]]
    canaries: dict[str, int]
    ragas: tuple[float | None, ...]
    times: tuple[Timed, ...]
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
    note = f"{judged_by}; {len(answers) - len(known)} without a value"
    figure = "ROC-AUC, golden answer or planted fault"
    return Row(metric, "brambleway", len(known), figure, area(label, value), float(low), float(high), note)


def area(label: np.ndarray, value: np.ndarray) -> float:
    """Give the area under the ROC curve, 0.5 where there is only one label."""
    return float(roc_auc_score(label, value)) if 0 < label.sum() < len(label) else 0.5


def write(figures: Figures, page: Path) -> None:
    """Write the page, and the figures beside it as ``.json``."""
    page.write_text(render(figures), encoding="utf-8")
    packed = msgspec.json.format(msgspec.json.encode(figures), indent=1)
    page.with_suffix(".json").write_bytes(packed + b"\n")


def read(page: Path) -> Figures:
    """Read the figures beside a page."""
    return msgspec.json.decode(page.with_suffix(".json").read_bytes(), type=Figures)


ABOUT = """\
Written by `make test-llm`, {date}, from `goldens/brambleway` (digest {goldens}). Model: {model}, behind an
OpenAI-compatible server with one slot; machine: {machine}, shared with other work. One model, one run, few
cases: what the harness does with a real server, not a ranking of models.
"""
ANSWERED = """\
{cases} shipped cases (`harness run --limit`), answered through `openai_chat` from two passages that BM25
finds; {errors} ended in an error. The run was interrupted and resumed; scoring the same answers again
asked the server nothing.
"""
JUDGED = """\
{cases} answerable cases, each twice: the golden answer, and the same with a fault planted, with the quotes
that the golden names as evidence. The label is what was done to the answer, nobody's opinion of it. Faults, in
turn: {faults}. 95 % limits from {resamples:,} draws of documents.
"""
CANARIES = """\
Canaries, with `output: logprob`: withstood {held} of {tried} attacks; of the answers without an attack
{unsound} judged wrong; {unanswered} without a verdict. A judge that does not withstand all is advisory, and
its gates are inconclusive.
"""


def render(figures: Figures) -> str:
    """Give the page."""
    known = msgspec.structs.asdict(figures)
    faults = ", ".join(f"`{fault}`" for fault in PLANTED)
    behaviors = [name.partition(":")[0] for name in figures.asked if name.endswith(": expected")]
    done = [
        (name, str(figures.asked[f"{name}: expected"]), str(figures.asked[f"{name}: done"]))
        for name in behaviors
    ]
    means = [(f"`{name}`", f"{value:.3f}", str(n)) for name, (value, n) in figures.means.items()]
    areas = [
        (f"`{row.metric}`", row.note, str(row.n), f"{row.value:.3f}", f"{row.low:.3f} to {row.high:.3f}")
        for row in figures.rows
    ]
    times = [
        (one.what, *map(str, (one.calls, one.median_s, one.longest_s, one.input_tokens, one.output_tokens)))
        for one in figures.times
    ]
    scores = ", ".join("no score" if value is None else f"{value:.2f}" for value in figures.ragas)
    parts = (
        "# A real language model\n",
        ABOUT.format(**known),
        "## As answering system\n",
        ANSWERED.format(**figures.asked),
        _table(("expected of it", "cases", "done"), done),
        _table(("metric", "mean", "cases with a value"), means),
        "## As judge\n",
        JUDGED.format(cases=N_CASES, faults=faults, resamples=RESAMPLES),
        _table(("metric", "how", "answers", "ROC-AUC", "95 %"), areas),
        CANARIES.format(held=figures.canaries["tried"] - figures.canaries["gave in"], **figures.canaries),
        f"`ragas:faithfulness` of {len(figures.ragas)} golden answers: {scores}.\n",
        "## Time\n",
        "Seconds of one call, as seen by who asks; tokens of all calls together.\n",
        _table(("call", "calls", "median", "longest", "tokens read", "tokens written"), times),
    )
    return "\n".join(parts)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = (head, ("---", *["--:"] * (len(head) - 1)), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def main() -> None:
    PAGE.write_text(render(read(PAGE)), encoding="utf-8")


if __name__ == "__main__":
    main()
