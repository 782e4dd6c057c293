"""Fits the weights that ship with the offline faithfulness, on sets whose licence allows it.

    HARNESS_DATA=... python benchmarks/train_support.py

Writes ``harness/metrics/support.json``: two logistic models in the open, with where they come from. The
same data, code and scikit-learn give the same file. About a minute of CPU.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import sklearn
from support_fit import LANGUAGE, SEED, C, fit, look_at_rows
from support_sets import SETS, load_sets

ROOT = Path(__file__).parent.parent
WEIGHTS = ROOT / "harness" / "metrics" / "support.json"

# What turns texts into signals; where one of these changes, the weights are to be fitted again.
CODE = (
    "language.py",
    "numerals.py",
    "metrics/contradiction.py",
    "metrics/opposites.py",
    "metrics/passages.py",
    "metrics/quantities.py",
    "metrics/signals.py",
)


def code_digest() -> str:
    """Give the SHA-256 of the code of the signals."""
    return hashlib.sha256(b"".join((ROOT / "harness" / name).read_bytes() for name in CODE)).hexdigest()


def main() -> None:
    sets = {name: rows for name, rows in load_sets().items() if SETS[name].shipped}
    missing = [name for name, labelled in SETS.items() if labelled.shipped and name not in sets]
    if missing:
        raise SystemExit(f"these sets are needed in HARNESS_DATA: {', '.join(missing)}")
    judged = {name: look_at_rows(rows) for name, rows in sets.items()}
    provenance = {
        "script": "benchmarks/train_support.py",
        "date": datetime.now(UTC).date().isoformat(),
        "scikit_learn": sklearn.__version__,
        "seed": SEED,
        "penalty_c": C,
        "code_sha256": code_digest(),
        "sets": {
            name: {
                "licence": SETS[name].licence,
                "rows": len(items),
                "claims": sum(len(item.looks) for item in items),
                "supported": sum(item.row.supported for item in items),
                "contradicted": sum(bool(item.row.contradicted) for item in items),
            }
            for name, items in judged.items()
        },
    }
    weights = fit(judged, [LANGUAGE], provenance)
    WEIGHTS.write_bytes(msgspec.json.format(msgspec.json.encode(weights), indent=2) + b"\n")
    print(f"{WEIGHTS.relative_to(ROOT)}: {weights.support}\n{weights.contradiction}")


if __name__ == "__main__":
    main()
