"""Writes the claims and passages that a small encoder is fine-tuned and judged on (see encoder_judge.py).

    HARNESS_DATA=... python benchmarks/encoder_pairs.py pairs.jsonl.gz

One line per claim: set, row, unit, source and label of its text, the sentences of the passages that share
most with it, and the offline scorer's log-odds by weights that never saw the set. With these, for training
only: claims of right texts with a planted fault (``planted``), and answers of SQuAD 2 (``squad2``).
"""

from __future__ import annotations

import gzip
import json
import math
import random
import sys
from collections.abc import Iterator
from typing import Any

from support_fit import Judged, fit, look_at_rows
from support_sets import SETS, Row, data_folder, lines, load_sets

from harness.language import content_stems, sentence_spans
from harness.metrics.claims import read_claims
from harness.metrics.passages import Sources, read_sources
from harness.metrics.support import Model, support_probability
from harness.planting.faults import Surroundings, plant
from harness.types import Case, Passage, Query, Response

MOST_WORDS = 260
"""Of the passages, which are cut to whole sentences."""
PLANTED = ("wrong_number", "borrowed_number", "wrong_name", "negation")
SEED = 0


def main() -> None:
    judged = {name: look_at_rows(rows) for name, rows in load_sets().items()}
    shipped = {name: items for name, items in judged.items() if SETS[name].shipped}
    with gzip.open(sys.argv[1], "wt", encoding="utf-8") as file:
        for name, items in judged.items():
            model = fit({other: rows for other, rows in shipped.items() if other != name}, ["en"], {}).support
            for line in lines_of(name, items, model):
                file.write(json.dumps(line) + "\n")
        for line in squad2():
            file.write(json.dumps(line) + "\n")


def lines_of(name: str, items: list[Judged], model: Model) -> Iterator[dict[str, Any]]:
    """Give the claims of one set, and faults planted in those of right texts where weights may be fitted."""
    chance = random.Random(SEED)  # noqa: S311 -- which fault, not a secret
    names = sorted({word for item in items for word in _names(item.row.text)})
    sources: dict[tuple[str, ...], Sources] = {}
    for n, item in enumerate(items):
        row = item.row
        if row.contexts not in sources:
            passages = [Passage(str(rank), text, rank) for rank, text in enumerate(row.contexts, 1)]
            sources = {row.contexts: read_sources(passages, "en")}
        claims = [claim.text for claim in read_claims(row.text).claims] or [row.text]
        base = {"set": name, "row": n, "unit": row.unit or str(n), "source": row.source, "kind": "row"}
        for claim, look in zip(claims, item.looks, strict=True):
            line = {**base, "question": row.question, "claim": claim, "label": int(row.supported)}
            yield {
                **line,
                "n": len(claims),
                "evidence": evidence(claim, sources[row.contexts]),
                "offline": log_odds(support_probability(look, model)),
            }
            if row.supported and SETS[name].shipped:
                yield from planted(line, row, sources[row.contexts], names, chance)


def log_odds(probability: float) -> float:
    kept = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(kept / (1 - kept))


def planted(
    line: dict[str, Any], row: Row, sources: Sources, names: list[str], chance: random.Random
) -> Iterator[dict[str, Any]]:
    """Give a claim with one fault, drawn among those that have a place in it."""
    passages = tuple(Passage(str(rank), text, rank) for rank, text in enumerate(row.contexts, 1))
    case, answer = Case(Query("c", row.question or "?")), Response(line["claim"], passages)
    around = Surroundings("en", (), names, (), chance)
    for fault in chance.sample(PLANTED, len(PLANTED)):
        worse = plant(fault, case, answer, around)
        if isinstance(worse, Response) and worse.output:
            found = evidence(worse.output, sources)
            yield {**line, "kind": "planted", "claim": worse.output, "label": 0, "n": 1, "evidence": found}
            return


def evidence(claim: str, sources: Sources) -> str:
    """Give the sentences that share most with a claim, and those beside them, in their order."""
    stems = frozenset(content_stems(claim, sources.language))
    ranked = []
    for i, source in enumerate(sources.items):
        own = [sum(sources.weight(stem) for stem in stems & sentence) for sentence in source.stems]
        for j, shared in enumerate(own):
            beside = max((own[k] for k in (j - 1, j + 1) if 0 <= k < len(own)), default=0.0)
            ranked.append((-(shared + 0.4 * beside), i, j))
    kept, said = set(), 0
    for _, i, j in sorted(ranked):
        start, end = sources.items[i].spans[j]
        length = len(sources.items[i].text[start:end].split())
        if said and said + length > MOST_WORDS:
            continue
        kept.add((i, j))
        said += length
    texts = []
    for i, j in sorted(kept):
        start, end = sources.items[i].spans[j]
        texts.append(sources.items[i].text[start:end])
    return " ".join(texts)


def squad2() -> Iterator[dict[str, Any]]:
    """Give the answers of answerable questions as right, the plausible ones of the others as wrong."""
    for n, line in enumerate(lines(data_folder() / "squad2")):
        answers = line["answers"] or line["plausible_answers"]
        if not answers:
            continue
        passages = [Passage(str(rank), text, rank) for rank, text in enumerate(line["contexts"], 1)]
        claim = f"{line['question']} {answers[0]}"
        base = {"set": "squad2", "row": n, "unit": str(n), "source": line["title"], "kind": "squad2"}
        yield {
            **base, "question": "", "claim": claim, "label": int(line["label"] == "answerable"), "n": 1,
            "evidence": evidence(claim, read_sources(passages, "en")),
        }  # fmt: skip


def _names(text: str) -> list[str]:
    found = []
    for start, end in sentence_spans(text):
        found += [word.strip(".,;:!?()\"'") for word in text[start:end].split()[1:] if word[:1].isupper()]
    return [word for word in found if word.isalpha() and len(word) > 2]


if __name__ == "__main__":
    main()
