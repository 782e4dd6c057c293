"""How well the offline faithfulness agrees with people, on each labelled set, by models that never saw it.

    HARNESS_DATA=... python benchmarks/human_agreement.py

Writes ``human_agreement.json`` and ``human_agreement.md`` beside this file. Every set that the shipped
weights are fitted on is left out once; the others, which no weights are ever fitted on, are scored by the
shipped weights. The threshold comes from the training sets. About two minutes of CPU.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score
from support_fit import Judged, fit, look_at_rows, scores
from support_sets import SETS, detectors, load_sets

from harness.language import is_function_word, words
from harness.metrics.support import Weights

HERE = Path(__file__).parent
RESAMPLES = 1000
GOAL = 0.06


def main() -> None:
    judged = {name: look_at_rows(rows) for name, rows in load_sets().items()}
    shipped = {name: items for name, items in judged.items() if SETS[name].shipped}
    found = {}
    for name, items in judged.items():
        weights = fit({other: rows for other, rows in shipped.items() if other != name}, ["en"], {})
        found[name] = measure(items, weights)
        print(name, found[name]["auc"])
    result = {"date": datetime.now(UTC).date().isoformat(), "resamples": RESAMPLES, "sets": found}
    result["detectors"] = {name: balanced(*zip(*pairs, strict=True)) for name, pairs in detectors().items()}
    result["rows"] = rows_of(found)
    (HERE / "human_agreement.json").write_text(json.dumps(result, indent=1) + "\n")
    (HERE / "human_agreement.md").write_text(write(result))


def rows_of(found: dict[str, dict]) -> list[dict]:
    """Give the figures as the rows that the metric's card shows."""
    rows = []
    for name, its in found.items():
        how = "evaluation only" if not SETS[name].shipped else "fitted without the set"
        for figure, key in (("ROC-AUC, supported or not", "auc"), ("balanced accuracy", "balanced")):
            low, high = its[f"{key}_limits"]
            note = f"{how}; share of shared words: {its['floor']:.3f}" if key == "auc" else how
            figures = {"n": its["units"], "figure": figure, "value": its[key], "low": low, "high": high}
            rows.append({"metric": "faithfulness", "set": name, **figures, "note": note})
    return rows


def measure(items: list[Judged], weights: Weights) -> dict:
    """Give the areas and balanced accuracy on one set, each with limits from resampled sources."""
    label, value, source = scores(items, weights.support)
    plain, content = (overlap(items, content=content) for content in (False, True))
    draws = resampled(source)
    areas = [area(label, values) for values in (value, plain, content)]
    gains = [area(label[drawn], value[drawn]) - area(label[drawn], plain[drawn]) for drawn in draws]
    return {
        "units": len(label),
        "supported": int(label.sum()),
        "without_claims": sum(not item.has_claims for item in items),
        "auc": areas[0],
        "auc_limits": limits([area(label[drawn], value[drawn]) for drawn in draws]),
        "floor": areas[1],
        "floor_content": areas[2],
        "gain": areas[0] - areas[1],
        "gain_limits": limits(gains),
        "threshold": weights.support.threshold,
        "balanced": balanced(label, value >= weights.support.threshold),
        "balanced_limits": limits(
            [balanced(label[drawn], value[drawn] >= weights.support.threshold) for drawn in draws]
        ),
        "contradiction": contradiction(items, weights),
        "calibration": calibration(label, value),
    }


def overlap(items: list[Judged], *, content: bool) -> np.ndarray:
    """Give the floor of each unit: the share of a text's words that stand in its passages."""
    best: dict[str, tuple[float, float]] = {}
    for n, item in enumerate(items):
        there = set(words(" ".join(item.row.contexts)))
        said = [word for word in words(item.row.text) if not content or not is_function_word(word, "en")]
        share = sum(word in there for word in said) / max(1, len(said))
        unit = item.row.unit or str(n)
        best[unit] = max(best.get(unit, (0.0, 0.0)), (share, share))
    return np.array([share for share, _ in best.values()])


def contradiction(items: list[Judged], weights: Weights) -> float | None:
    """Give the area with which contradicted texts are told from unsupported ones, where a set has both."""
    wrong = [item for item in items if not item.row.supported and item.row.contradicted is not None]
    label = np.array([bool(item.row.contradicted) for item in wrong])
    if not 30 <= label.sum() <= len(label) - 30:
        return None
    model = weights.contradiction
    return area(
        label, np.array([max(model.probability(look.signals) for look in item.looks) for item in wrong])
    )


def calibration(label: np.ndarray, value: np.ndarray) -> list[tuple[float, float, int]]:
    """Give per fifth of the scores: mean probability, share supported at even odds, number."""
    weight = np.where(label, 0.5 / label.sum(), 0.5 / (~label).sum())
    parts = [part for part in np.array_split(np.argsort(value, kind="stable"), 5) if len(part)]
    found = []
    for part in parts:
        share = float(weight[part] @ label[part] / weight[part].sum())
        found.append((float(np.average(value[part], weights=weight[part])), share, len(part)))
    return found


def resampled(source: list[str]) -> list[np.ndarray]:
    """Draw whole sources (documents, questions, claims) with replacement; give the units of each draw."""
    rng = np.random.default_rng(0)
    names = {name: i for i, name in enumerate(dict.fromkeys(source))}
    number = np.array([names[name] for name in source])
    units = [np.flatnonzero(number == i) for i in range(len(names))]
    return [
        np.concatenate([units[i] for i in rng.integers(0, len(units), len(units))]) for _ in range(RESAMPLES)
    ]


def area(label: np.ndarray, value: np.ndarray) -> float:
    return float(roc_auc_score(label, value)) if 0 < label.sum() < len(label) else 0.5


def balanced(label: np.ndarray, said: np.ndarray) -> float:
    label, said = np.asarray(label, bool), np.asarray(said, bool)
    return float((said[label].mean() + (~said[~label]).mean()) / 2)


def limits(values: list[float]) -> list[float]:
    return [float(limit) for limit in np.quantile(values, (0.025, 0.975))]


HEAD = """# Agreement of the offline faithfulness with people

`make bench-agreement`, {date}. Each line is scored by weights and a threshold that were fitted without that
set; sets for evaluation only are never fitted on. ROC-AUC of supported against not, with 95 % limits from
{resamples:,} draws of whole documents, questions or claims. *Floor*: share of a text's words that stand in
its passages; *content*: the same without function words. *Balanced*: accuracy at the threshold, the mean
over both labels.

| set | units | supported | ROC-AUC | floor | content | above the floor | balanced |
|---|--:|--:|---|--:|--:|---|---|
"""


def write(result: dict) -> str:
    """Write the page."""
    sets = result["sets"]
    lines = [HEAD.format(**result).rstrip("\n"), *(row(name, found) for name, found in sets.items())]
    mean, floor, content = (
        float(np.mean([found[key] for found in sets.values()])) for key in ("auc", "floor", "floor_content")
    )
    lines.append(f"| mean | | | {mean:.3f} | {floor:.3f} | {content:.3f} | {mean - floor:+.3f} | |")
    below = [name for name, found in sets.items() if found["gain"] <= 0]
    others = f"; **not on {', '.join(below)}**." if below else "."
    said = "met" if mean - floor >= GOAL else "**missed**"
    lines += [
        "",
        f"- Above the floor on {len(sets) - len(below)} of {len(sets)} sets{others}",
        f"- Mean {mean - floor:+.3f} over the floor, goal {GOAL:+.2f}: {said}.",
        f"- Mean {mean - content:+.3f} over content words.",
        *on_faithbench(sets, result["detectors"]),
        *table(
            "Contradicted or only unsupported",
            "ROC-AUC among the texts that are not supported, where a set labels both.",
            ("set", "ROC-AUC"),
            [
                (name, f"{found['contradiction']:.3f}")
                for name, found in sets.items()
                if found["contradiction"]
            ],
        ),
        *table(
            "Calibration",
            "By fifths of the score: mean probability → share supported, both as if each label were half.",
            ("set", "lowest", "", "", "", "highest"),
            [
                (name, *(f"{p:.2f} → {share:.2f}" for p, share, _ in found["calibration"]))
                for name, found in sets.items()
            ],
        ),
        "",
    ]
    return "\n".join(lines) + NOTES.read_text()


def row(name: str, found: dict) -> str:
    held = "" if SETS[name].shipped else ", evaluation only"
    cells = (
        name + held,
        str(found["units"]),
        f"{found['supported'] / found['units']:.2f}",
        f"{found['auc']:.3f} {bracket(found['auc_limits'])}",
        f"{found['floor']:.3f}",
        f"{found['floor_content']:.3f}",
        f"{found['gain']:+.3f} {bracket(found['gain_limits'])}",
        f"{found['balanced']:.3f} {bracket(found['balanced_limits'])}",
    )
    return f"| {' | '.join(cells)} |"


def on_faithbench(sets: dict, published: dict[str, float]) -> list[str]:
    """Compare with the published detectors on the very rows."""
    if "faithbench" not in sets:
        return []
    ours, gpt = sets["faithbench"]["balanced"], published["gpt-4-turbo"]
    return [
        f"- FaithBench, balanced accuracy: {ours:.3f}, gpt-4-turbo {gpt:.3f}: "
        + ("met." if ours >= gpt else "**missed**."),
        *table(
            "Published detectors on FaithBench",
            "Balanced accuracy on the same rows, at 0.5 where a detector gives a score.",
            (*published, "ours"),
            [tuple(f"{value:.3f}" for value in (*published.values(), ours))],
        ),
    ]


def table(title: str, lead: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head), *rows)]
    return ["", f"## {title}", "", lead, "", *lines]


def bracket(pair: list[float]) -> str:
    return f"[{pair[0]:.3f}, {pair[1]:.3f}]"


NOTES = HERE / "human_agreement_notes.md"


if __name__ == "__main__":
    main()
