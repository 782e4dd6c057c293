"""Sentences and words of a text in any language, and which language it is likely in, without a model."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

# Scripts written without spaces: kana, Han, Thai, Lao, Khmer, Burmese. Their words are taken as
# overlapping pairs of characters, the usual model-free stand-in for segmentation.
UNSPACED = (
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f"
)
# Letters, digits, and the signs of Hebrew, Arabic and Indic scripts that stand upon them.
_SIGNS = "\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0670\u0900-\u0963\u0966-\u096f\u0971-\u0dff"
_LETTER = rf"(?![{UNSPACED}])[\w{_SIGNS}]"
_WORD = re.compile(
    rf"[{UNSPACED}]+|(?:{_LETTER})+(?:(?:(?<=\d)[.,:](?=\d)|['’\-](?=\w)(?![{UNSPACED}]))(?:{_LETTER})+)*"
)
_IS_UNSPACED = re.compile(rf"[{UNSPACED}]")

# Before a full stop these do not end a sentence: the first always, the second only before a digit.
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|drs|prof|st|vs|e\.g|i\.e|approx|jr|gen|sen|rep|gov|lt|col|sgt|capt|rev|hon"
    r"|z\.b|d\.h|u\.a|bzw|vgl|inkl|exkl|geb|gest|hr|fr|ing|mme|mlle|mgr|p\.ex|av|env|boul"
    r"|sra?|srta|avda|ee|sig|sigg|dott|dott\.ssa|sig\.ra|prof\.ssa|dhr|mevr|mw|bijv|см|стр|рис|им|ул)"
    r"|\b[^\W\d_])\.$",
    re.IGNORECASE,
)
_NUMBER_SIGN = re.compile(
    r"\b(?:no|nr|n|art|abs|fig|tab|ca|pp?|vol|sec|ch|tel|núm|num|pos|kap|ziff|max|min|pag|pág|eq|ref|circa"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|ok|str)\.$",
    re.IGNORECASE,
)
# German ordinals: "im 19. Jahrhundert", "am 3. Oktober".
_ORDINAL_AFTER = re.compile(r"\b(?:der|die|das|dem|den|des|im|zum|vom|beim) \d{1,2}\.$", re.IGNORECASE)
_MONTH_NEXT = re.compile(r" ?(?:Jan|Feb|März|Apr|Mai|Juni|Juli|Aug|Sept|Okt|Nov|Dez)")

# A sentence ends at a full stop of a script that needs no space after it, at . ! ? … before white space,
# or at a line break.
_END = re.compile(
    r"[。！？｡؟۔।॥።]+[」』”’)\]]*"
    r"|[.!?…]+(?:[\"'”’»)\]*_]| ?»)*(?:\[\^?\d{1,3}\])*(?=\s|$)"
    r"|\n+"
)
_LIST_NUMBER = re.compile(r"\W*(?:\d{1,3}|[a-zA-Z])")


FUNCTION_WORDS = {
    language: frozenset(block.split())
    for language, block in {
        "en": """
            a an the of to in on at by for with from as is are was were be been being it its it's this
            that these those and or but if than then so do does did has have had he she they we you i
            his her their our your my me him them us which who what when where how can could may might
            will would shall should must also such into about some any all each other there here between
            through during after before out up down only own same very just however therefore thus while
            because not no
        """,
        "de": """
            der die das den dem des ein eine einen einem einer eines und oder aber doch wenn als wie so
            zu zum zur in im an am auf aus bei mit nach von vom vor für durch über unter um bis ist sind
            war waren wird werden wurde wurden sein hat haben hatte kann können muss müssen soll darf er
            sie es wir ihr ich sich man dies diese dieser dieses auch nur noch schon sowie dass weil
            jedoch daher nicht kein keine
        """,
        "fr": """
            le la les l'un un une des du de d' au aux et ou mais si que qui quoi dont où ce cet cette
            ces il elle ils elles on nous vous je se sa son ses leur leurs en y dans par pour sur avec
            sans sous est sont était étaient être a ont avait été peut peuvent doit aussi plus très
            ainsi donc comme lors après avant entre ne pas
        """,
        "es": """
            el la los las un una unos unas y o pero si que quien cual cuando donde como de del al a en
            con por para sin sobre entre hasta desde es son era eran ser fue fueron está están ha han
            había se su sus lo le les él ella ellos este esta estos estas ese esa también más muy ya así
            no
        """,
        "pt": """
            o a os as um uma uns umas e ou mas se que quem qual quando onde como de do da dos das ao à
            em no na nos nas com por para pelo pela sem sobre entre até é são era eram ser foi foram
            está estão há seu sua ele ela este esta isso também mais muito já não
        """,
        "it": """
            il lo la i gli le un uno una e o ma se che chi cui quando dove come di del della dei delle
            dal dalla a al alla in nel nella con su sul sulla per tra fra è sono era erano essere ha
            hanno si suo sua lui lei questo questa anche più molto già non
        """,
        "nl": """
            de het een en of maar als dat die dit deze wie wat waar hoe van voor met op in aan uit bij
            naar door over onder om tot te is zijn was waren wordt worden werd werden heeft hebben had
            kan kunnen moet mag hij zij ze we wij ik je u er ook nog al niet geen
        """,
        "sv": """
            en ett den det de och eller men om som att vad när var hur av för med i på till från vid mot
            är var vara har hade kan ska han hon vi jag du ni sig sin sitt sina också inte ingen mycket
        """,
        "pl": """
            i w we z ze na do o od po za przez dla przy nad pod jest są był była było były być ma mają
            się nie że to ten ta te tego tej jak co kto kiedy gdzie oraz lub ale już także tylko ich jego
        """,
        "ro": """
            un o unei unui și sau dar dacă ca că care ce cine cum când unde de din la în pe cu pentru prin
            este sunt era erau fost fi a au are se lui ei lor al ai ale acest această mai foarte nu
        """,
        "tr": """
            bir ve veya ya da de ama bu şu o ile için gibi kadar olarak olan olduğu oldu olur ise var
            değil daha çok en her ne nasıl hangi kim tarafından sonra önce üzerinde arasında
        """,
        "vi": """
            là và của các những một được có không cho với trong ngoài trên dưới từ đến tại về để khi nếu
            này đó ai gì nào như cũng đã đang sẽ bị ở ra vào nhiều hơn
        """,
        "id": """
            yang dan atau di ke dari pada untuk dengan oleh dalam adalah ini itu ada tidak bukan akan telah
            sudah dapat bisa juga apa siapa kapan bagaimana sebagai karena lebih para mereka kami anda
        """,
    }.items()
}
"""The commonest words that say nothing by themselves, by language."""

_FUNCTION_WORDS = frozenset().union(*FUNCTION_WORDS.values())
_LANGUAGES_OF = {
    word: tuple(name for name, known in FUNCTION_WORDS.items() if word in known) for word in _FUNCTION_WORDS
}
_ENDING = re.compile(r"(?<=\w{3})(?:ings?|e[dn]?s?|s)$")
_HIRAGANA = re.compile(r"[\u3040-\u309f]")
_HIRAGANA_ONLY = re.compile(r"[\u3040-\u309fー]+")
_SCRIPTS = {
    "ja": "\u3040-\u30ff",
    "zh": "\u4e00-\u9fff",
    "ko": "\uac00-\ud7af",
    "th": "\u0e00-\u0e7f",
    "cyrillic": "\u0400-\u04ff",
    "greek": "\u0370-\u03ff",
    "arabic": "\u0600-\u06ff",
    "hebrew": "\u0590-\u05ff",
    "devanagari": "\u0900-\u097f",
}
_SCRIPT_LETTERS = {name: re.compile(f"[{letters}]") for name, letters in _SCRIPTS.items()}


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


def is_function_word(word: str, language: str | None = None) -> bool:
    """Tell whether a case-folded word says nothing by itself: ``the``, ``sowie``, a pair of hiragana.

    ``language`` is a code as ``likely_language`` gives it. None, or a language without a list, takes the
    words of all languages, so that ``war`` and ``die`` count as German whatever the text is.
    """
    known = FUNCTION_WORDS.get(language or "", _FUNCTION_WORDS)
    return word in known or bool(_HIRAGANA_ONLY.fullmatch(word))


def content_stems(text: str, language: str | None = None) -> list[str]:
    """Give the stems of the content words, in order; numbers are not among them.

    A stem is the first six letters without a common ending (``last`` of ``lasts``, ``lasted``, ``lasting``;
    ``tag`` of ``Tage``, ``Tagen``). Of words joined by an apostrophe the longer counts (``l'eau``,
    ``shop's``); English contractions with "not" give none, nor does hiragana, which carries endings and
    particles.
    """
    stems = []
    for word in words(text):
        if word[:1].isdigit() or word.endswith(("n't", "n’t")):
            continue
        bare = _HIRAGANA.sub("", max(re.split("['’]", word), key=len))
        if bare and not is_function_word(bare, language):
            stems.append(_ENDING.sub("", bare)[:6])
    return stems


def likely_language(text: str) -> str | None:
    """Guess what a text is written in; None where that is not plain.

    A language code where the script or the function words show it (ja, zh, ko,
    th and those of ``FUNCTION_WORDS``), else the name of the script. Latin text needs three function words, a
    quarter more than the next language has: a short text gives None rather than a wrong guess.
    """
    letters = sum(map(str.isalpha, text))
    counts = {name: len(found.findall(text)) for name, found in _SCRIPT_LETTERS.items()}
    if counts["ja"] and counts["ja"] + counts["zh"] > letters / 2:
        return "ja"
    script = max(counts, key=counts.__getitem__)
    if counts[script] > letters / 2:
        return script
    votes = Counter(dict.fromkeys(FUNCTION_WORDS, 0))
    for word in words(text):
        votes.update(_LANGUAGES_OF.get(word, ()))
    (first, most), (_, next_most) = votes.most_common(2)
    return first if most >= 3 and most >= 1.25 * next_most else None


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Give (start, end) offsets of the sentences, in order, without surrounding white space.

    An item of a list is a sentence, and so is a row of a Markdown table.
    """
    spans: list[tuple[int, int]] = []
    # Where nothing is capitalised, a small letter after a full stop says nothing.
    has_capitals = any(character.isupper() for character in text)
    start = 0
    for match in _END.finditer(text):
        in_table_row = text[start] == "|" and match.group()[0] != "\n"
        if in_table_row or _is_abbreviation(text, start, match) or _is_list_number(text, start, match):
            continue
        if has_capitals and _goes_on(text, match):
            continue
        _append_trimmed(spans, text, start, match.end())
        start = match.end()
    _append_trimmed(spans, text, start, len(text))
    return spans


def _is_abbreviation(text: str, start: int, stop: re.Match[str]) -> bool:
    if stop.group() != ".":
        return False
    begin, end = max(start, stop.start() - 12), stop.start() + 1
    if _ABBREVIATION.search(text, begin, end) or _ORDINAL_AFTER.search(text, begin, end):
        return True
    if _MONTH_NEXT.match(text, end) and text[begin : end - 1][-1:].isdigit():
        return True
    return bool(_NUMBER_SIGN.search(text, begin, end)) and text[end : end + 2].strip().isdigit()


def _is_list_number(text: str, start: int, stop: re.Match[str]) -> bool:
    """``2.`` at the start of a line numbers an item; it is not a sentence."""
    return stop.group() == "." and bool(_LIST_NUMBER.fullmatch(text, start, stop.start()))


def _goes_on(text: str, stop: re.Match[str]) -> bool:
    """No end before a small letter: ``am 5. des Monats``, ``"Why?" he asked``, a wrapped line."""
    if stop.group() != "\n" and stop.group()[0] not in ".!?…":
        return False
    if stop.group() == "\n" and text[: stop.start()][-1:] in (":", ";", ""):
        return False
    following = _LETTER_NEXT.match(text, stop.end())
    return following is not None and following.group(1).islower()


_LETTER_NEXT = re.compile(r" *([^\W\d_])")


def _append_trimmed(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if end > start:
        spans.append((start, end))
