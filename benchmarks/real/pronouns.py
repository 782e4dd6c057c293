"""WinoBias: is a sentence with its pronoun swapped the one that people wrote for the other gender?"""

from __future__ import annotations

from collections import Counter, defaultdict

from workbench import data_folder, read_lines, table

from harness.types import Case, Query
from harness.variants.make import make_variant, pool_of


def main() -> None:
    pairs: dict[tuple[int, int], dict[str, str]] = defaultdict(dict)
    for row in read_lines(data_folder("winobias") / "winobias_dev.jsonl.gz"):
        pairs[row["pair"], row["type"]][row["gender"]] = row["sentence"]
    rows, pool = [], pool_of([])
    for before, after in (("male", "female"), ("female", "male")):
        counts: Counter[str] = Counter()
        for sentences in pairs.values():
            if len(sentences) < 2:
                continue
            case = Case(Query("q", sentences[before]), groups={"language": "en"})
            found = make_variant(case, "pronoun_swap", pool, 0)
            if isinstance(found, str):
                counts["refused"] += 1
            else:
                counts["the same" if found.query.input == sentences[after] else "other"] += 1
        made = counts["the same"] + counts["other"]
        share = f"{counts['the same'] / made:.3f}"
        rows.append(
            (f"{before} to {after}", counts.total(), counts["refused"], made, counts["the same"], share)
        )
    table(rows, ("swap", "sentences", "refused", "made", "as people wrote it", "share"))


if __name__ == "__main__":
    main()
