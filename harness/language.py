"""Sentences and words of a text in any language, without a model."""

from __future__ import annotations

import re
import unicodedata

# Scripts written without spaces: Han, kana, Thai, Lao, Khmer, Burmese. Their words are taken as
# overlapping pairs of characters, the usual model-free stand-in for segmentation.
_UNSPACED = (
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f"
)
_WORD = re.compile(rf"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])[\w])+(?:[.,:'’\-](?:(?![{_UNSPACED}])\w)+)*")
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")

_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|st|no|nr|art|abs|bzw|ca|etc|vs|e\.g|i\.e|z\.b|d\.h|p\.ex|sra?|núm|tel|approx|min|max)"
    r"|\b[^\W\d_])\.$",
    re.IGNORECASE,
)
# A sentence ends at a full stop of a script that needs no space after it, at . ! ? … before white space,
# or at a line break.
_END = re.compile(r"[。！？｡؟۔।॥]+[」』”’)\]]*|[.!?…]+[\"'”’»)\]]*(?=\s|$)|\n+")


def words(text: str) -> list[str]:
    """Split into case-folded words (NFKC); numbers and hyphenated words stay whole (``14.5``, ``e-bike``).

    Runs of a script without spaces give overlapping character pairs; a single character stands alone.
    """
    found: list[str] = []
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text).casefold()):
        word = match.group()
        if _IS_UNSPACED.match(word) and len(word) > 1:
            found.extend(word[i : i + 2] for i in range(len(word) - 1))
        else:
            found.append(word)
    return found


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Give (start, end) offsets of the sentences, in order, without surrounding white space."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if match.group().startswith(".") and _ABBREVIATION.search(text, start, match.start() + 1):
            continue
        if _is_list_number(text, start, match.start()) or _goes_on(text, match):
            continue
        _append_trimmed(spans, text, start, match.end())
        start = match.end()
    _append_trimmed(spans, text, start, len(text))
    return spans


def _is_list_number(text: str, start: int, stop: int) -> bool:
    """``2.`` at the start of a line numbers an item; it is not a sentence."""
    return text[stop : stop + 1] == "." and text[start:stop].strip().isdigit()


def _goes_on(text: str, stop: re.Match[str]) -> bool:
    """A single full stop before a small letter is no end: ``am 5. des Monats``."""
    return stop.group() == "." and text[stop.end() :].lstrip(" ")[:1].islower()


def _append_trimmed(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        spans.append((start, end))
