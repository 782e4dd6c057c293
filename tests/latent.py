"""Scores of two systems on the same cases, drawn from one latent normal: pass/fail, graded and seconds."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

Array = np.ndarray[Any, np.dtype[np.float64]]
RUN = 0.1
"""Share of the latent variance that a rerun draws anew: about a tenth of pass/fail cases then flip."""
DOCUMENT = 0.2
"""Share that the cases of a document have in common."""


class Pair(NamedTuple):
    """Scores before and after, shape (cases,) each."""

    before: Array
    after: Array


def documents(rng: np.random.Generator, count: int, cases: int) -> list[str]:
    """The document of each case: so many documents of one case or more, of uneven size."""
    extra = rng.multinomial(cases - count, rng.dirichlet(np.full(count, 4.0)))
    return [f"d{index:04}" for index in range(count) for _ in range(int(extra[index]) + 1)]


def draw(rng: np.random.Generator, clusters: list[str], kind: str, *, moved: float = 0.0) -> Pair:
    """Two runs of systems that are equally good on average.

    Args:
        rng: where chance comes from.
        clusters: the document of each case.
        kind: "binary" (0.8 pass), "graded" (4 % at 0, half at 1) or "seconds" (log-normal, sigma 0.5).
        moved: share of the variance by which a neutral change moves whole documents, up or down.
    """
    codes = np.unique(clusters, return_inverse=True)[1]
    own = 1 - RUN - DOCUMENT - moved
    shared = np.sqrt(DOCUMENT) * _by_document(rng, codes) + np.sqrt(own) * rng.standard_normal(len(codes))
    runs = []
    for _ in range(2):
        change = np.sqrt(moved) * _by_document(rng, codes) + np.sqrt(RUN) * rng.standard_normal(len(codes))
        runs.append(_score(shared + change, kind))
    return Pair(*runs)


def _by_document(rng: np.random.Generator, codes: Array) -> Array:
    found: Array = rng.standard_normal(int(codes.max()) + 1)[codes]
    return found


def _score(latent: Array, kind: str) -> Array:
    """A standard normal, pushed through the distribution of the score."""
    if kind == "binary":
        return (latent > ndtri(0.2)).astype(float)
    if kind == "graded":
        return np.clip((ndtr(latent) - 0.04) / 0.46, 0, 1) ** 0.4
    return np.exp(latent / 2)
