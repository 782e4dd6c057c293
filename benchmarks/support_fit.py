"""Fits the two models of support on judged texts: logistic, with the signs that the signals mean."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from support_sets import Row

from harness.metrics.claims import read_claims
from harness.metrics.passages import read_sources
from harness.metrics.signals import Look, Signals, look_at
from harness.metrics.support import Model, Weights, support_probability
from harness.types import Passage

# The sign of each signal: what speaks for support has +1. Those left out of a model have 0.
SUPPORT = Signals(1, 1, -1, -1, -1, -1, -1, -1, 0)
CONTRADICTION = Signals(0, 1, 1, 0, 1, 1, 1, 1, 1)

# What the sets are in.
LANGUAGE = "en"

# Strength of the penalty (scikit-learn's C), on signals of unit variance within their set.
C = 0.01
SEED = 0


class Judged(NamedTuple):
    """A row with a look at each of its claims; a text without claims is looked at as a whole."""

    row: Row
    looks: list[Look]
    has_claims: bool


def look_at_rows(rows: list[Row]) -> list[Judged]:
    """Look at every claim of every row."""
    judged = []
    sources = {}
    for row in rows:
        if row.contexts not in sources:
            passages = [Passage(str(rank), text, rank) for rank, text in enumerate(row.contexts, 1)]
            sources = {row.contexts: read_sources(passages, LANGUAGE)}
        claims = [claim.text for claim in read_claims(row.text).claims]
        looks = [look_at(claim, sources[row.contexts], row.question) for claim in claims or [row.text]]
        judged.append(Judged(row, looks, bool(claims)))
    return judged


def fit(sets: dict[str, list[Judged]], languages: list[str], provenance: dict[str, object]) -> Weights:
    """Fit both models on all sets, each set and each of its two labels weighing the same."""
    support = _fit_support(sets)
    return Weights(support, _fit_contradiction(sets, support), languages, provenance)


def score(item: Judged, model: Model) -> float:
    """Give the mean probability of a row's claims: the share of them that is expected to be supported."""
    return float(np.mean([support_probability(look, model) for look in item.looks]))


def scores(items: list[Judged], model: Model) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Give label, score and source of each unit; of a claim with several rows the best counts."""
    best: dict[str, tuple[bool, float, str]] = {}
    for n, item in enumerate(items):
        unit = item.row.unit or str(n)
        value = score(item, model)
        if unit not in best or value > best[unit][1]:
            best[unit] = (item.row.supported, value, item.row.source)
    labels, values, sources = zip(*best.values(), strict=True)
    return np.array(labels), np.array(values), list(sources)


def _fit_support(sets: dict[str, list[Judged]]) -> Model:
    """Fit on all claims of right texts, and on wrong texts of one claim: else which is wrong is unknown."""
    signals, label, weight, centre = (
        np.concatenate(part) for part in zip(*map(_table, sets.values()), strict=True)
    )
    intercept, weights = _signed(signals - centre, label, weight, SUPPORT)
    middle = np.mean([_table(items)[3][0] for items in sets.values()], axis=0)
    model = _model(intercept - float(middle @ weights), weights, 0.5)
    return Model(
        model.intercept, model.weights, _threshold([scores(items, model)[:2] for items in sets.values()])
    )


def _fit_contradiction(sets: dict[str, list[Judged]], support: Model) -> Model:
    """Part contradicted from merely unsupported claims, the least supported one of each wrong text."""
    rows, labels, weights = [], [], []
    for items in sets.values():
        wrong = [item for item in items if not item.row.supported and item.row.contradicted is not None]
        found = np.array([bool(item.row.contradicted) for item in wrong])
        for item, contradicted in zip(wrong, found, strict=True):
            rows.append(min(item.looks, key=lambda look: support_probability(look, support)).signals)
            labels.append(contradicted)
            weights.append(1 / np.sum(found == contradicted))
    signals, label, weight = np.array(rows, float), np.array(labels), np.array(weights)
    for side in (False, True):
        weight[label == side] *= len(label) / 2 / weight[label == side].sum()
    intercept, coefficients = _signed(signals, label, weight, CONTRADICTION)
    model = _model(intercept, coefficients, 0.5)
    values = np.array([model.probability(Signals(*row)) for row in signals])
    return Model(model.intercept, model.weights, _threshold([(label, values)]))


def _table(items: list[Judged]) -> tuple[np.ndarray, ...]:
    """Give the claims of one set to fit on: signals, labels, weights, and the middle of the set's signals.

    The middle lies half-way between the two labels. Taking it off leaves what parts the labels within a
    set, so that how sets differ teaches nothing. Each label of a set has the same weight to begin with.
    """
    signals = np.array([look.signals for item in items for look in item.looks], float)
    label = np.array([item.row.supported for item in items for _ in item.looks])
    n_claims = np.array([len(item.looks) for item in items for _ in item.looks])
    n_right = sum(item.row.supported for item in items)
    weight = np.where(label, 500 / n_right / n_claims, 500 / max(1, len(items) - n_right))
    middle = (signals[label].mean(axis=0) + signals[~label].mean(axis=0)) / 2
    used = label | (n_claims == 1)
    return signals[used], label[used], weight[used], np.tile(middle, (used.sum(), 1))


def _signed(
    signals: np.ndarray, label: np.ndarray, weight: np.ndarray, signs: Signals
) -> tuple[float, np.ndarray]:
    """Fit a logistic model, leaving out signals whose weight would have the wrong sign, the largest first."""
    spread = np.sqrt(np.average(signals**2, axis=0, weights=weight)) + 1e-9
    wanted = np.array(signs)
    active = np.flatnonzero(wanted)
    while True:
        model = LogisticRegression(C=C, max_iter=2000, random_state=SEED)
        model.fit(signals[:, active] / spread[active], label, sample_weight=weight)
        found = np.zeros(len(wanted))
        found[active] = model.coef_[0]
        wrong = [i for i in active if found[i] * wanted[i] < 0]
        if not wrong:
            return float(model.intercept_[0]), found / spread
        active = np.setdiff1d(active, [max(wrong, key=lambda i: abs(found[i]))])


def _model(intercept: float, weights: np.ndarray, threshold: float) -> Model:
    named = {name: round(float(w), 4) for name, w in zip(Signals._fields, weights, strict=True) if w}
    return Model(round(intercept, 4), named, threshold)


def _threshold(found: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Give the threshold, to 0.01, with the best balanced accuracy on average over the sets."""
    grid = np.arange(0.05, 0.96, 0.01)
    total = np.zeros(len(grid))
    for label, values in found:
        total += [np.mean(values[label] >= cut) + np.mean(values[~label] < cut) for cut in grid]
    return round(float(grid[int(np.argmax(total))]), 2)
