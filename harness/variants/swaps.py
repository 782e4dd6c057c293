"""The same question from someone else: another first name, or the other pronoun."""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec.structs import replace

from harness.types import Case
from harness.variants.draw import Draw
from harness.variants.protected import facts_of, language_of
from harness.variants.tables import GENDERED, NAMES, NAMES_JA

GROUP = "name_group"
"""The group that says whose name or pronoun stands in a question."""

_WORD = re.compile(r"[^\W\d_]+")
_ALL_NAMES = {name for names in (*NAMES.values(), *NAMES_JA.values()) for name in names}
_HE = {"he": "she", "him": "her", "his": "her", "himself": "herself"}
_SHE = {"she": "he", "hers": "his", "herself": "himself"}
# After "her" these show that nothing is hers: "told her that", "with her to".
_AFTER_HIM = frozenset(
    """
    to at for with in on and or but when if that about from by because of after before as into than while
    until since so who which what where how why whether the a an this these out up off over down back is was
    can could would should will may might has had have does did though although during without again too
    """.split()  # noqa: SIM905 -- read as words
)
# After these "her" may be "him" or "his": "gave her money", "helped her work".
_BEFORE_EITHER = re.compile(
    r"\b(?:g[ai]ve[sn]?|giving|wish(?:ed|es)?|ask(?:ed|s)?|help(?:ed|s)?|ma[dk]es?|making|lets?|letting|told"
    r"|tells?|sends?|sent|offer(?:ed|s)?|show(?:ed|s|n)?|keeps?|kept|hoped|saw|sees?|heard|hears?|lends?|lent"
    r"|pays?|paid) her (?P<next>[^\W\d_]+)",
    re.IGNORECASE,
)
# "his" that stands alone, before the end or a verb: "his goes until 25".
_ALONE = re.compile(
    r"\s*(?:[.,;:!?)]|$)|\s+(?:is|was|has|had|goes|went|does|did|can|could|will|would|works|costs|needs|stops)\b"
)
_GENDERED_JA = re.compile("[夫妻父母娘兄弟姉妹嫁男女婿婦]|息子|旦那|彼氏|彼ら")

Swapped = Case | str
"""A changed case, or why there is none."""


def name_swap(case: Case, draw: Draw) -> Swapped:
    """Give the first name in a question to someone of another presumed origin and the same gender.

    Only names of the table are known. Refused where the name also stands in the passages or the gold facts,
    or with a surname, which would stay.
    """
    language, text = language_of(case), _all_text(case)
    table = NAMES_JA if language == "ja" else NAMES
    found = [(label, name) for label, names in table.items() for name in names if _named(name, text)]
    if len(found) != 1:
        return "it has no first name of the table" if not found else "it has several first names"
    label, name = found[0]
    if any(_named(name, fact) for fact in (*facts_of(case), *(one.text for one in case.query.contexts))):
        return "the name stands in the gold facts or the passages"
    if language_of(case) != "ja" and re.search(
        rf"{name}\s+[A-ZÀ-Þ][a-zß-ÿ]|['’]{name}|\b[DdQq]e {name}", text
    ):
        return "the name is bound to the words around it"
    gender = label.rpartition("_")[2]
    others = [one for one in table if one != label and one.endswith(f"_{gender}")]
    other = draw.one(others)
    new = draw.one(table[other])
    return _with_group(_rewritten(case, lambda said: _name(name).sub(new, said)), other)


def pronoun_swap(case: Case, draw: Draw) -> Swapped:
    """Turn he into she, or she into he, throughout; in English and Japanese.

    Refused where both stand in the question, or words that would have to agree (husband, Mrs, a name).
    """
    del draw
    text = _all_text(case)
    if language_of(case) == "ja":
        return _swap_japanese(case, text)
    words = {word.casefold() for word in _WORD.findall(text)}
    he, she = words & _HE.keys(), words & {*_SHE, "her"}
    if not he and not she:
        return "it has no pronoun of a gender"
    if he and she:
        return "it has pronouns of both genders"
    if words & GENDERED or any(_named(name, text) for name in _ALL_NAMES):
        return "other words in it have a gender"
    if any(match["next"].casefold() not in _AFTER_HIM for match in _BEFORE_EITHER.finditer(text)):
        return "'her' in it may be 'him' or 'his'"
    if any(_states_pronoun(fact) for fact in facts_of(case)):
        return "the pronoun stands in the gold facts"
    changed = _rewritten(case, _to_she if he else _to_he)
    return _with_group(changed, "pronoun_she" if he else "pronoun_he")


def _swap_japanese(case: Case, text: str) -> Swapped:
    bare = text.replace("彼女ら", "彼ら").replace("彼女", "")
    if _GENDERED_JA.search(bare) or any(_named(name, text) for name in _ALL_NAMES):
        return "other words in it have a gender"
    he, she = re.search("彼(?!女)", text), "彼女" in text
    if not he and not she:
        return "it has no pronoun of a gender"
    if he and she:
        return "it has pronouns of both genders"
    if any("彼" in fact for fact in facts_of(case)):
        return "the pronoun stands in the gold facts"
    if he:
        return _with_group(_rewritten(case, lambda said: said.replace("彼", "彼女")), "pronoun_she")
    return _with_group(_rewritten(case, lambda said: said.replace("彼女", "彼")), "pronoun_he")


def _to_she(text: str) -> str:
    def turn(match: re.Match[str]) -> str:
        word = match.group()
        if word.casefold() == "his" and _ALONE.match(text, match.end()):
            return _cased(word, "hers")
        return _cased(word, _HE.get(word.casefold(), word))

    return _WORD.sub(turn, text)


def _to_he(text: str) -> str:
    def turn(match: re.Match[str]) -> str:
        word = match.group()
        if word.casefold() == "her":
            following = _WORD.match(text, match.end() + 1)
            alone = following is None or following.group().casefold() in _AFTER_HIM
            return _cased(word, "him" if alone else "his")
        return _cased(word, _SHE.get(word.casefold(), word))

    return _WORD.sub(turn, text)


def _cased(model: str, word: str) -> str:
    if model.isupper() and len(model) > 1:
        return word.upper()
    return word.capitalize() if model[0].isupper() else word


def _states_pronoun(fact: str) -> bool:
    return any(word.casefold() in {*_HE, *_SHE, "her"} for word in _WORD.findall(fact))


def _name(name: str) -> re.Pattern[str]:
    return re.compile(name if not name.isascii() and ord(name[0]) > 0x3000 else rf"(?<!\w){name}(?!\w)")


def _named(name: str, text: str) -> bool:
    return _name(name).search(text) is not None


def _all_text(case: Case) -> str:
    return "\n".join([*(turn.content for turn in case.query.history), case.query.input])


def _rewritten(case: Case, change: Callable[[str], str]) -> Case:
    history = tuple(replace(turn, content=change(turn.content)) for turn in case.query.history)
    return replace(case, query=replace(case.query, input=change(case.query.input), history=history))


def _with_group(case: Case, label: str) -> Case:
    return replace(case, groups={**case.groups, GROUP: label})
