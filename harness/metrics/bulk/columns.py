"""Columns of ids as NumPy, pandas or Arrow hold them: grouped by query, encoded a block at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from harness.errors import UsageError, did_you_mean
from harness.metrics.bulk.values import Ints

ROWS_AT_ONCE = 100_000
"""Rows that are encoded and ranked at a time: few enough to stay near the processor, some 100 bytes each."""


class Ids:
    """A column of ids: whole numbers, or text in whatever holds it."""

    def __init__(self, column: Any, where: str) -> None:
        """Take a column; ``where`` names it in errors.

        Raises:
            UsageError: it holds neither whole numbers nor text.
        """
        self.where = where
        if hasattr(column, "iloc"):  # a Series of pandas
            column = column.array
        if not hasattr(column, "take"):
            column = np.asarray(column)
        kind = str(getattr(column, "type", getattr(column, "dtype", "")))
        self.numbers: Ints | None = None
        if kind.lower().startswith(("int", "uint")):
            self.numbers = np.asarray(column)
            if self.numbers.dtype.kind not in "iu" or (self.numbers > np.iinfo(np.int64).max).any():
                raise UsageError(f"{where}: an id is missing or beyond 2**63")
            self.numbers = self.numbers.astype(np.int64, copy=False)
        elif kind.startswith(("float", "double", "bool")):
            raise UsageError(f"{where} is {kind}", mend="ids are whole numbers or text")
        self._text = column

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._text)

    def take(self, rows: Ints) -> Ids:
        """Give the column with these rows, in this order."""
        return Ids(self._text.take(rows), self.where)

    def coded(self, begin: int, end: int) -> tuple[Ints, Any]:
        """Give a code from 0 for each of some rows, (end - begin,), and the text of each code."""
        import pandas as pd

        block = self._text[begin:end]
        if hasattr(block, "dictionary_encode"):  # Arrow
            block = block.combine_chunks() if hasattr(block, "combine_chunks") else block
            encoded = block if hasattr(block, "dictionary") else block.dictionary_encode()
            codes = np.asarray(encoded.indices.fill_null(-1)).astype(np.int64, copy=False)
            texts = encoded.dictionary.to_numpy(zero_copy_only=False)
        else:
            found, texts = pd.factorize(block)
            codes = found.astype(np.int64, copy=False)
            texts = np.asarray(texts, dtype=object)
        if len(codes) and codes.min() < 0:
            raise UsageError(f"{self.where}: row {begin + int(codes.argmin()) + 1:,} has no id")
        if not all(isinstance(text, str) for text in texts[:1]):
            raise UsageError(
                f"{self.where} holds {type(texts[0]).__name__}", mend="ids are whole numbers or text"
            )
        return codes, texts

    def texts(self, rows: Ints) -> list[str]:
        """Give the ids of some rows as text, as a TREC file would hold them."""
        if self.numbers is not None:
            return [str(number) for number in self.numbers[rows].tolist()]
        taken = self._text.take(rows)
        return list(taken.to_pylist() if hasattr(taken, "to_pylist") else taken.tolist())

    def at(self, rows: Ints) -> list[Any]:
        """Give the ids of some rows as they are."""
        return self.numbers[rows].tolist() if self.numbers is not None else self.texts(rows)


class Grouped(NamedTuple):
    """Rows with those of a query together: the n queries, where each begins and the last ends, (n + 1,).

    ``order`` is how the rows had to be put, (m,); None: they stood like that.
    """

    ids: list[Any]
    begins: Ints
    order: Ints | None


def grouped(queries: Ids) -> Grouped:
    """Group rows by query, queries in the order in which each is first named."""
    begins = _changes(queries)
    ids = queries.at(begins[:-1])
    place = {query: number for number, query in enumerate(dict.fromkeys(ids))}
    if len(place) == len(ids):
        return Grouped(ids, begins, None)
    lengths = np.diff(begins)
    of_row = np.repeat(np.fromiter((place[query] for query in ids), np.int64, len(ids)), lengths)
    counts = np.bincount(of_row, minlength=len(place))
    return Grouped(list(place), np.concatenate([[0], np.cumsum(counts)]), np.argsort(of_row, kind="stable"))


def _changes(queries: Ids) -> Ints:
    """Where another query begins than that of the row before, and the end."""
    n = len(queries)
    found = [np.zeros(min(n, 1), np.int64)]
    if queries.numbers is not None:
        found.append(1 + np.flatnonzero(queries.numbers[1:] != queries.numbers[:-1]))
    else:
        for begin in range(0, n, ROWS_AT_ONCE):
            # One row of the block before is encoded again, so that its end is a change only if it is one.
            first = max(begin - 1, 0)
            codes, _ = queries.coded(first, min(begin + ROWS_AT_ONCE, n))
            found.append(first + 1 + np.flatnonzero(np.diff(codes)))
    return np.concatenate([*found, [n]]).astype(np.int64)


def column(table: Any, name: str, where: str) -> Any:
    """Give a column of a table: a DataFrame, an Arrow table, a mapping of names to arrays.

    Raises:
        UsageError: there is no such column.
    """
    try:
        return table[name]
    except (KeyError, TypeError, IndexError) as error:
        names: Sequence[str] = list(getattr(table, "column_names", None) or getattr(table, "keys", list)())
        mend = did_you_mean(name, [str(other) for other in names])
        raise UsageError(f"the {where} has no column {name!r}", mend=mend) from error


def has_column(table: Any, name: str) -> bool:
    """Say whether a table has a column."""
    names = getattr(table, "column_names", None)
    return name in (table if names is None else names)
