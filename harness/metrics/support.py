"""How well passages support one claim, word by word: coverage, numbers, negation, names; no model."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from harness.language import Number, numbers, sentence_spans, words
from harness.types import Passage

Verdict = Literal["supported", "unsupported", "contradicted"]

# Shares of a claim's weight that the best window must cover: to support it, and to be about the same thing
# so that a differing number or negation contradicts it. Set on human-labelled claims; see the tests.
SUPPORTS = 0.6
SAME_MATTER = 0.6

WIDEST_WINDOW = 3
STEM = 6


class Finding(NamedTuple):
    """What was found for one claim: the verdict, why, the best window (offsets in its passage), coverage 0..1."""

    verdict: Verdict
    why: str
    coverage: float
    passage: Passage | None
    start: int
    end: int
