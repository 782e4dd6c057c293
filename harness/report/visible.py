"""Text made safe to look at: invisible characters become escapes that can be seen, lines obey nobody."""

from __future__ import annotations

import re
import unicodedata

# Controls but tab and line feed, format and bidi controls, fillers that look like nothing, variation
# selectors, tags, surrogates, non-characters. Spaces of every width stay: they are seen as spaces.
_PLANE_ENDS = "".join(
    f"{chr(0x10000 * plane + 0xFFFE)}{chr(0x10000 * plane + 0xFFFF)}" for plane in range(17)
)
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    f"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff{_PLANE_ENDS}]"
)
_COMMAND = re.compile(r"^(\s*):(?=:)")
_MARKED_COMMAND = re.compile(r"##(?=\w*\[)")
_FORMULA = re.compile(r"(^)(?=[\t\r\n])|(^|\r\n|[;\t\r\n])(?=[ \"']*[=+\-@＝＋－＠])")
"""Where a formula could begin: at the start of a cell, and, for a program that takes another separator than
commas and then heeds no quotes, behind any that it may take and on each new line."""


def visible(text: str, *, one_line: bool = False) -> str:
    r"""Give the text with everything invisible as an escape: ``\x1b``, ``\u202e``, ``\r``.

    Line feeds and tabs stay, unless ``one_line``: then they become ``\n`` and ``\t``. Joiners and
    variation selectors stay where a script or an emoji needs them (Persian, Indic scripts, families).
    The result holds no control character, no lone surrogate and nothing that XML 1.0 forbids.
    """
    shown = _INVISIBLE.sub(_escape, text)
    return shown.replace("\n", "\\n").replace("\t", "\\t") if one_line else shown


def inert_line(line: str) -> str:
    """Give a line that no CI runner takes for a command: ``::error::``, ``##[group]``, ``##vso[...]``.

    Runners trim white space before they look, so indenting is not enough; a blank is put into the marker.
    """
    return _MARKED_COMMAND.sub("# #", _COMMAND.sub(r"\1: ", line))


def no_formula(cell: str) -> str:
    """A cell of a table that no spreadsheet runs, however it separates cells: an apostrophe stands before."""
    return _FORMULA.sub(lambda found: f"{found.group()}'", cell)


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    if _is_needed(found.string, found.start(), code):
        return found.group()
    if code == 0x0D:
        return "\\r"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _is_needed(text: str, at: int, code: int) -> bool:
    """Say whether a joiner or an emoji selector changes how its neighbours look here."""
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if code in (0xFE0E, 0xFE0F):
        return bool(before) and unicodedata.category(before)[0] in "SPN"
    if code not in (0x200C, 0x200D) or not before or not after:
        return False
    if unicodedata.bidirectional(before) == "AL" or unicodedata.combining(before) == 9:  # 9: virama
        return unicodedata.category(after)[0] in "LM"
    is_emoji = unicodedata.category(before) in ("So", "Sk") or before == "\ufe0f"
    return code == 0x200D and is_emoji and unicodedata.category(after) == "So"
