"""harness: an evaluation and regression harness for RAG systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api.frames import scores_frame
    from harness.errors import SystemFailure
    from harness.metrics.bulk import score_rankings
    from harness.registry import metric
    from harness.types import (
        Case,
        Citation,
        Judge,
        Opinion,
        Passage,
        Query,
        Question,
        Response,
        Score,
        Timings,
        Usage,
    )

__version__ = "0.1.0"

__all__ = [
    "Case",
    "Citation",
    "Judge",
    "Opinion",
    "Passage",
    "Query",
    "Question",
    "Response",
    "Score",
    "SystemFailure",
    "Timings",
    "Usage",
    "__version__",
    "metric",
    "score_rankings",
    "scores_frame",
]

_HOMES = {
    "SystemFailure": "harness.errors",
    "metric": "harness.registry",
    "score_rankings": "harness.metrics.bulk",
    "scores_frame": "harness.api.frames",
}
"""Public names that do not live in ``harness.types``; every one is imported when it is first asked for."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from harness.registry import load_object

    return load_object(f"{_HOMES.get(name, 'harness.types')}:{name}", "public name")
