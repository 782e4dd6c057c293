"""Text in an answer or a passage that speaks to whoever judges it, or hides what it says."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import chain, groupby
from typing import Any, NamedTuple

from harness.types import Response

LONGEST_SHOWN = 120
MOST_SHOWN = 10
LONGEST_READ = 50_000
"""Characters of one text that are looked at."""

# What the words do: a line for each way to say it, case-folded; names in <> stand for the lists below. A line
# that begins with \b or ^ wants that for all of it.
_SIGNS = {
    "addresses the judge": r"""
\b(?:dear|hey|hello|attention|note|message|memo|instructions?|to|for)[ :,]+(?:to |for )?<the><kind><judge>\b
\b(?:as|if) (?:an?|the) <kind><judge>\b
\byou(?:'re| are) (?:now |no longer )?(?:an?|the|my) (?:\w+ )?(?:<judge>|assistant|bot|model)\b
\b(?:<judge>|system|developer|administrator)(?: note| message| override| mode)?\s?[:>\]]
\ban die (?:ki|bewertende|prüfende|jury|bewertung)\b
\b(?:an|für) (?:den|die) <richter>
\b(?:à l'attention|note|message)[^.\n]{0,20}(?:évaluateur|correcteur|examinateur|juge)
\b(?:nota|mensaje|mensagem|aviso|atención)[^.\n]{0,12}(?:evaluador|juez|avaliador|juiz|corrector|corretor|valutatore)""",
    "gives orders": r"""
\b(?:ignore|disregard|forget|override|skip|bypass|discard) (?:\w+ ){0,4}<rules>\b
\b(?:ignorier|vergiss|missachte)\w* (?:\w+ ){0,4}(?:oben|obige|vorherige|bisherige|anweisung|regeln|kontext)
\b(?:ignore|oublie|ne ten[ez]+ pas compte)\w* (?:\S+ ){0,4}(?:instruction|consigne|précéden|ci-dessus|règles)
\b(?:ignor|olvid|esquec|desconsider|dimentic)\w+ (?:\S+ ){0,4}(?:instru|istruz|anterior|precedent|reg[lro])
""",
    "asks for a verdict": r"""
\b<grade>\b[^.\n]{0,60}\b(?:as|with|verdict|(?:the )?(?:highest|top|best|full))\b[^.\n]{0,20}\b<verdict>\b
\b(?:verdict|grade|score|rating|label|judge?ment)\b["']?\s?(?:is|=|:|(?:must|should) be)\s?\W{0,2}<verdict>
["'](?:verdicts?|item)["']\s?:
^\d+: <verdict>$
puan
\b<grade> (?:un)?supported\b
\b(?:this|the) <thing> (?:has (?:already )?been|counts as|must be|should be|is to be) (?:\w+ ){0,2}<done>
\b(?:bewerte|markiere|werte|stufe)\w* [^.\n]{0,60}(?:als|mit|ein)\b
\b(?:note|marque|évalue|attribue|classe)[rz]? [^.\n]{0,60}(?:comme|la note|maximale)
\b(?:marc|marq|califi|clasifi|classifi|contrassegn|valut|avali)\w+ [^.\n]{0,60}(?:como|con|com|come)\b""",
    "imitates the frame": r"""
\[[0-9a-f]{6,} [^\]\n]{1,40}\]
```[^`]{0,40}verdict
<\|?/?(?:im_start|im_end|system|assistant|user|instructions?|data|endoftext|verdict|eot_id)\|?>
\[/?inst\]
<</?sys>>
^marker: \S+
^[^\S\n]*(?:system|assistant|human|user):
^#{1,4} ?(?:system|instruction|assistant|verdicts?)
(?<!-)---+ ?<end>
(?<!=)===+ ?<end>
(?<!\*)\*\*\*+ ?<end>
(?<!#)###+ ?<end>
\b(?:end|begin) of (?:data|input|answer|claims?)\b""",
}
_IN_OTHER_LETTERS = {
    "addresses the judge": r"""
(?:внимание|примечание|указание|сообщение)[^.\n]{0,12}(?:судь|оценщик|эксперт|проверяющ)|değerlendirici
(?:採点者|評価者|審査員|判定者|審判)(?:へ|の方|さん|に|は|：|:)|평가자|채점자
(?:评审|评分|评估|裁判|判断)(?:员|者|模型|人员)?(?:请|：|:|注意)
(?:ملاحظة|تنبيه|رسالة) للم(?:قيّ?م|صحح)|मूल्यांकनकर्ता|परीक्षक|निर्णायक|(?:הערה|הודעה) ל(?:בודק|שופט|מעריך)""",
    "gives orders": r"""
(?:игнорируй|забудь|не учитывай)\w{0,20} (?:\S+ ){0,4}(?:инструкц|указани|правил|выше)
(?:以上|上記|前|これまで|先)の?[^。\n]{0,12}(?:指示|命令|ルール|規則|内容)[^。\n]{0,6}(?:無視|忘れ)
(?:忽略|无视|無視|忘记|不要理会)[^。\n]{0,16}(?:指令|指示|规则|以上|之前|上述)
تجاهل (?:جميع |كل )?التعليمات|önceki talimatlar|התעלם
이전[^.\n]{0,12}(?:지시|명령)|(?:निर्देश|नियम)\S{0,20} (?:\S+ ){0,3}(?:अनदेखा|भूल)""",
    "asks for a verdict": r"""
(?:отметь|оцени|пометь|поставь|считай)\w{0,20} [^.\n]{0,60}(?:как|балл|оценк)
(?:判定|評価|採点|満点|最高点|正解)[^。\n]{0,16}(?:して|にし|とし|とす|と判|下さい|ください|付け|つけ|出力)
(?:判|标记|标为|评|打|视|输出|回答)[^。\n]{0,20}(?:为|成|满分|支持|最高分)|(?:평가|채점|판정)[^.\n]{0,16}(?:하세요|하시오|해)
(?:صنّ?ف|قيّ?م|اعتبر) كل|(?:अंक|निर्णय|समर्थित)[^।\n]{0,30}(?:दें|करें|मानें)|olarak işaretle|סמן""",
}
"""Those that no text of ASCII alone can hold."""
_LISTS = {
    "the": r"(?:the |any |all |whoever is )?",
    "kind": r"(?:ai |llm |automated |human )?",
    "judge": r"(?:judges?|graders?|evaluators?|examiners?|assessors?|reviewers?|raters?|fact-checkers?)",
    "richter": r"(?:\w+ )?(?:prüfer|gutachter|richter|bewerter|modell|ki\b)",
    "rules": r"(?:above|previous|prior|earlier|instructions?|rules|rubric|context|guidelines|criteria"
    r"|prompt)",
    "grade": r"(?:mark|label|rate|grade|score|judge|classify|count|treat|return|output|reply|respond|give)",
    "verdict": r"(?:supported|unsupported|contradicted|correct|faithful|relevant|irrelevant|fully|refus\w+"
    r"|true|pass|yes|\d\b)",
    "thing": r"(?:answer|claim|statement|response|reply|passage|text)",
    "end": r"(?:end|begin|stop|ende) (?:of|der?)\b",
    "done": r"(?:verified|checked|graded|approved|marked|judged|rated|certified|supported|a refusal|scored)",
}
_HIDDEN = re.compile(
    "[\U000e0000-\U000e007f\u200b-\u200f\u2060-\u2064\u202a-\u202e\u2066-\u2069\u00ad]{2,}|[\U000e0020-\U000e007e]"
)
_LIST = re.compile("<(" + "|".join(_LISTS) + ")>")
_ANCHORS = {r"\b": r"\b(?=\w)", "^": "^"}
"""How lines begin, and what is looked for: at the end of a word none begins."""
_INVISIBLE = {ord(sign): None for sign in map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), 0xAD))}
_INVISIBLE |= dict.fromkeys((*range(0x2060, 0x2065), *range(0x2066, 0x206A), 0xFEFF))
_TAGS = {0xE0000 + code: chr(code) for code in range(0x20, 0x7F)}
_LOOKALIKES = str.maketrans("аеорсухіјѕԁɡոΑΒΕΗΙΚΜΝΟΡΤΧ’", "aeopcyxijsdgnABEHIKMNOPTX'")
_LATIN = re.compile(r"[A-Za-z]")


def find_directed(response: Response) -> list[dict[str, Any]]:
    """Find text that speaks to a judge, in the answer and in the passages retrieved for it.

    It looks for words that address whoever judges, that order it about or ask for a verdict, for imitations
    of the frame that data stands in, and for invisible writing; in the languages of the attack corpus. It is
    a sign for people to look, and moves no score: an attack in other words is not found, and an answer that
    is about judges may be.

    Returns:
        ``where`` (``answer`` or ``passage 2``, by rank), ``why`` and ``text``, one for each sign, at most 10.
    """
    texts = [("answer", response.output or "")]
    texts += [(f"passage {passage.rank}", passage.text) for passage in response.retrieved]
    found = [
        {"where": where, "why": why, "text": text}
        for where, whole in texts
        for why, text in directed_text(whole)
    ]
    return found[:MOST_SHOWN]


@functools.lru_cache(maxsize=512)  # several metrics look at one answer
def directed_text(text: str) -> tuple[tuple[str, str], ...]:
    """Give what of one text speaks to a judge: why, and the words; each reason once."""
    text = text[:LONGEST_READ]
    found = []
    if not text.isascii() and _HIDDEN.search(text):
        found.append(("hides text", text.translate(_TAGS).translate(_INVISIBLE)[:LONGEST_SHOWN]))
    readings = [reading for reading in dict.fromkeys(_readings(text)) if _has_sign(reading)]
    for why in _SIGNS:
        match = next((match for reading in readings if (match := _first(why, reading))), None)
        if match is not None:
            found.append((why, match.group().strip()[:LONGEST_SHOWN]))
    return tuple(found)


class _Expressions(NamedTuple):
    """One for the signs of each kind, and one for those of any kind, which most texts have none of."""

    kinds: Mapping[str, re.Pattern[str]]
    any: re.Pattern[str]


@functools.cache
def expressions() -> tuple[_Expressions, _Expressions]:
    """Make what signs are found by: those in Latin letters, and those that no text of ASCII can hold."""
    latin, beyond = (
        {why: block.strip().splitlines() for why, block in signs.items()}
        for signs in (_SIGNS, _IN_OTHER_LETTERS)
    )
    return _made(latin), _made(beyond)


def _made(lines: Mapping[str, Sequence[str]]) -> _Expressions:
    every = sorted(chain.from_iterable(lines.values()), key=_anchor)
    return _Expressions({why: _alternatives(some) for why, some in lines.items()}, _alternatives(every))


def _alternatives(lines: Sequence[str]) -> re.Pattern[str]:
    """Make one expression of lines; where a row of them wants the same place, that is looked for once."""
    parts = []
    for anchor, row in groupby(lines, _anchor):
        written = (_LIST.sub(lambda name: _LISTS[name[1]], line) for line in row)
        each = "|".join(f"(?:{line.removeprefix(anchor)})" for line in written)
        parts.append(f"{_ANCHORS[anchor]}(?:{each})" if anchor else each)
    return re.compile("|".join(parts), re.MULTILINE)


def _anchor(line: str) -> str:
    return next((anchor for anchor in _ANCHORS if line.startswith(anchor)), "")


def _has_sign(reading: str) -> bool:
    return any(one.any.search(reading) for one in _for(reading))


def _first(why: str, reading: str) -> re.Match[str] | None:
    """Find the first sign of one kind."""
    kinds = (one.kinds[why] for one in _for(reading) if why in one.kinds)
    found = [match for kind in kinds if (match := kind.search(reading))]
    return min(found, key=re.Match.start, default=None)


def _for(reading: str) -> Sequence[_Expressions]:
    latin, beyond = expressions()
    return (latin,) if reading.isascii() else (latin, beyond)


def _readings(text: str) -> list[str]:
    """The text as a model may read it: invisible signs gone, tags written out, lookalikes undone."""
    if text.isascii():
        return [text.casefold()]
    plain = unicodedata.normalize("NFKC", text.translate(_TAGS).translate(_INVISIBLE)).casefold()
    plain = plain.replace("’", "'")
    return [plain, plain.translate(_LOOKALIKES)] if _LATIN.search(plain) else [plain]
