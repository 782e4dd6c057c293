"""Own sentence splitting and language identification beside libraries, on XQuAD's twelve parallel languages.

    pip install nupunkt py3langid
    HARNESS_DATA=... python benchmarks/language_detection.py

Prints two tables. Sentences are compared by their number: a paragraph has as many in every language as in
English. Libraries that are not installed are left out.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from harness.language import likely_language, sentence_spans

SCRIPTS = {"cyrillic": "ru", "greek": "el", "arabic": "ar", "devanagari": "hi"}
PATH = Path(os.environ.get("HARNESS_DATA", "")) / "xquad" / "xquad_dev.jsonl.gz"


def main() -> None:
    if not PATH.exists():
        raise SystemExit("xquad is not in HARNESS_DATA")
    with gzip.open(PATH, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    identify(rows)
    split(rows)


def identify(rows: list[dict]) -> None:
    detectors: dict[str, Callable[[str], str | None]] = {"own": own_language}
    if importlib.util.find_spec("py3langid"):
        import py3langid

        detectors["py3langid"] = lambda text: py3langid.classify(text)[0]
    texts = {
        "questions": [(row["language"], row["question"]) for row in rows],
        "paragraphs": sorted({(row["language"], row["contexts"][0]) for row in rows}),
    }
    print("| texts | detector | right | wrong | not told | texts per CPU second |\n|---|---|--:|--:|--:|--:|")
    for kind, labelled in texts.items():
        for name, detect in detectors.items():
            began = time.process_time()
            found = Counter(
                "none" if (said := detect(text)) is None else "right" if said == language else "wrong"
                for language, text in labelled
            )
            rate = len(labelled) / (time.process_time() - began)
            shares = " | ".join(f"{found[key] / len(labelled):.3f}" for key in ("right", "wrong", "none"))
            print(f"| {kind} | {name} | {shares} | {rate:,.0f} |")


def split(rows: list[dict]) -> None:
    splitters: dict[str, Callable[[str], list]] = {"own": sentence_spans}
    if importlib.util.find_spec("nupunkt"):
        import nupunkt

        splitters["nupunkt"] = nupunkt.sent_tokenize
    parallel: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        parallel[row["id"]][row["language"]] = row["contexts"][0]
    paragraphs = list({texts["en"]: texts for texts in parallel.values()}.values())
    languages = sorted(language for language in paragraphs[0] if language != "en")
    print(f"\n| paragraphs with as many sentences as in English | {' | '.join(languages)} |")
    print("|---|" + "--:|" * len(languages))
    for name, cut in splitters.items():
        counts = [{language: len(cut(text)) for language, text in texts.items()} for texts in paragraphs]
        shares = (sum(one[language] == one["en"] for one in counts) / len(counts) for language in languages)
        print(f"| {name} | {' | '.join(f'{share:.2f}' for share in shares)} |")


def own_language(text: str) -> str | None:
    found = likely_language(text)
    return SCRIPTS.get(found or "", found)


if __name__ == "__main__":
    main()
