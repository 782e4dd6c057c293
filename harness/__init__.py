"""harness: an evaluation and regression harness for RAG systems."""

from __future__ import annotations

__version__ = "0.1.0"
