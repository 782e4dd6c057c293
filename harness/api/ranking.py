"""Score a TREC run against judgements: values by query, means by slice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import Place, UsageError
from harness.formats.trec import QRELS, RUN, read_attributes, read_trec

if TYPE_CHECKING:
    import pandas as pd

DEFAULT = ("recall@10", "precision@10", "ndcg@10", "mrr@10", "map@1000")


class Mean(NamedTuple):
    """A metric over the queries of a slice (``all``, or ``column=value``) that have a relevant document."""

    slice: str
    metric: str
    n: int
    mean: float | None


class Ranked(NamedTuple):
    """What a run scored: a row per judged query, the means, and what has to be said of it."""

    queries: pd.DataFrame
    means: tuple[Mean, ...]
    notices: tuple[str, ...]


def rank_file(run: Path, qrels: Path, metrics: tuple[str, ...], slices: Path | None) -> Ranked:
    """Score a run file.

    Args:
        run: lines of ``query Q0 document rank score tag``; the score orders, as in trec_eval.
        qrels: lines of ``query 0 document grade``.
        metrics: rank metrics as a suite names them; none: ``DEFAULT``.
        slices: CSV with a column ``query_id``; every other column is an attribute to slice by.

    Raises:
        UsageError: a file or a metric is wrong.
    """
    import pandas as pd

    from harness.metrics.bulk import score_rankings

    wanted = metrics or DEFAULT
    try:
        found = score_rankings(read_trec(run, RUN), read_trec(qrels, QRELS), wanted)
    except UsageError as error:
        if any(fault.place for fault in error.faults):
            raise
        raise UsageError([fault._replace(place=Place(str(run))) for fault in error.faults]) from error
    counts = {"query_id": found.query_ids, "relevant": found.relevant, "retrieved": found.retrieved}
    table = pd.DataFrame({**counts, **found.values})
    notices = []
    if found.ignored:
        notices.append(f"{found.ignored:,} queries of the run have no judgements and are left out")
    if missing := int((found.retrieved == 0).sum()):
        notices.append(f"{missing:,} judged queries are not in the run and score 0")
    applies = table["relevant"] > 0
    if not applies.all():
        notices.append(
            f"{int((~applies).sum()):,} judged queries have no relevant document: not in the means"
        )
    means = [_mean("all", name, table[name][applies]) for name in wanted]
    if slices is not None:
        attributes = read_attributes(slices)
        table = table.merge(attributes, on="query_id", how="left", validate="one_to_one")
        for column in attributes.columns.drop("query_id"):
            table[column] = table[column].astype(object).where(table[column].notna(), None)
            for value, part in table[applies].groupby(column, sort=True):
                means += [_mean(f"{column}={value}", name, part[name]) for name in wanted]
        lost = int(table[attributes.columns[-1]].isna().sum())
        notices += [f"{lost:,} judged queries are in no slice: {slices} lacks them"] if lost else []
    return Ranked(table, tuple(means), tuple(notices))


def _mean(label: str, metric: str, values: pd.Series[float]) -> Mean:
    return Mean(label, metric, len(values), float(values.mean()) if len(values) else None)
