"""Rank metrics of whole runs at once: the definitions of ``harness.metrics.retrieval``, vectorised."""

from harness.metrics.bulk.scoring import RankingScores, score_rankings

__all__ = ["RankingScores", "score_rankings"]
