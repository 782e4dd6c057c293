"""Words that say the opposite of one another, or something stronger or surer, by language."""

from __future__ import annotations

import functools
import re

_OPPOSITES = {
    "en": """
        increase decrease|increases decreases|increased decreased|increasing decreasing
        increase decline|increase reduce|increased reduced|rise fall|rises falls|rose fell
        rose dropped|grow shrink|growing shrinking|expand reduce|expanded reduced|raise lower
        raised lowered|gain loss|gained lost|more less|more fewer|higher lower|high low|large small
        big small|larger smaller|greater smaller|long short|longer shorter|wide narrow|deep shallow
        heavy light|strong weak|stronger weaker|fast slow|faster slower|before after|first last
        early late|earlier later|old new|older newer|older younger|young old|ancient modern|begin end
        start end|start stop|started ended|began ended|enter leave|arrive leave|arrived left|day night
        summer winter|morning evening|above below|over under|up down|inside outside|internal external
        left right|north south|east west|northern southern|eastern western|near far|domestic foreign
        local global|good bad|better worse|best worst|positive negative|positive adverse
        success failure|succeed fail|succeeded failed|win lose|won lost|benefit harm
        beneficial harmful|improve worsen|improved worsened|strengthen weaken|advantage disadvantage
        optimistic pessimistic|protect harm|protect expose|safe dangerous|easy difficult|easy hard
        simple complex|hot cold|warm cool|rich poor|cheap expensive|full empty|real fake|true false
        legal illegal|guilty innocent|possible impossible|likely unlikely|able unable|buy sell
        bought sold|acquire sell|acquired sold|borrow lend|hire fire|hired fired|import export
        push pull|accept reject|accepted rejected|approve reject|approved rejected|allow forbid
        allow prohibit|allowed prohibited|allowed forbidden|agree disagree|agreed disagreed
        agreement disagreement|support oppose|supported opposed|supports opposes|attack defend
        attacked defended|confirm deny|confirmed denied|include exclude|included excluded
        includes excludes|open close|opened closed|open closed|encourage discourage|recommend avoid
        recommends avoids|remember forget|love hate|like dislike|prevent cause|prevents causes
        presence absence|present absent|with without|known unknown|similar different|same different
        separate together|temporary permanent|optional mandatory|optional required|voluntary mandatory
        free paid|public private|major minor|majority minority|maximum minimum|alive dead|born died
        married divorced|male female|man woman|men women|he she|his her|father mother|son daughter
        brother sister|husband wife|boy girl|king queen|teacher student|employer employee
        doctor patient|parent child|victim perpetrator|ally enemy|always never|all none|most few
        many few|everyone nobody
    """,
    "de": """
        mehr weniger|höher niedriger|hoch niedrig|größer kleiner|groß klein|länger kürzer|lang kurz
        vor nach|erster letzter|früher später|neu alt|beginnt endet|öffnet schließt
        geöffnet geschlossen|offen geschlossen|steigt sinkt|stieg sank|gestiegen gesunken
        erhöht gesenkt|gewinn verlust|gewonnen verloren|erlaubt verboten|erlaubt untersagt
        möglich unmöglich|kostenlos kostenpflichtig|gratis kostenpflichtig|enthalten ausgeschlossen
        besser schlechter|positiv negativ|richtig falsch|sicher unsicher|immer nie|alle keine|mit ohne
        oben unten|links rechts|innen außen|nord süd|ost west|schneller langsamer|billiger teurer
        maximal mindestens|höchstens mindestens|maximum minimum|kaufen verkaufen|annehmen ablehnen
        angenommen abgelehnt|freiwillig verpflichtend|öffentlich privat|er sie
    """,
    "fr": """
        plus moins|supérieur inférieur|haut bas|grand petit|long court|avant après|premier dernier
        nouveau ancien|commence finit|ouvre ferme|ouvert fermé|augmente diminue|augmenté diminué
        hausse baisse|gagné perdu|autorisé interdit|permis interdit|possible impossible|gratuit payant
        inclus exclu|meilleur pire|positif négatif|vrai faux|toujours jamais|tous aucun|avec sans
        gauche droite|nord sud|est ouest|maximum minimum|accepté refusé|obligatoire facultatif
        public privé|il elle
    """,
    "es": """
        más menos|mayor menor|alto bajo|grande pequeño|largo corto|antes después|primero último
        nuevo viejo|empieza termina|abre cierra|abierto cerrado|aumenta disminuye|aumentó disminuyó
        subió bajó|ganó perdió|permitido prohibido|posible imposible|incluido excluido|mejor peor
        positivo negativo|verdadero falso|siempre nunca|todos ninguno|con sin|izquierda derecha
        norte sur|este oeste|máximo mínimo|aceptado rechazado|obligatorio opcional
        obligatorio voluntario|público privado|él ella
    """,
    "ja": """
        増加 減少|上昇 下降|以上 以下|以前 以後|開始 終了|可能 不可|無料 有料|必須 任意
        許可 禁止|最大 最小|最初 最後|賛成 反対|成功 失敗|午前 午後|開店 閉店
    """,
}
_PREFIX = re.compile(r"^(?:un|in|im|ir|dis|non|mis)(?=\w{5})")
_PREFIXES = ("un", "in", "im", "ir", "dis", "non", "mis")

# What makes a statement stronger, a kind a line: of all, of none, of nothing else; and what compares.
_STRONG = {
    "en": """
        all every each everyone always entire both completely fully entirely
        none never nobody nothing
        only solely exclusively
        more less fewer higher lower most least better worse larger smaller greater best worst
    """,
    "de": """
        alle allen aller alles jede jeder jedes jeden immer beide vollständig ganz
        nie niemals niemand nichts keine keiner kein
        nur ausschließlich lediglich
        mehr weniger höher niedriger besser schlechter größer kleiner mindestens höchstens
    """,
    "fr": """
        tous toutes tout toute chaque toujours entièrement
        aucun aucune jamais personne
        seulement uniquement exclusivement
        plus moins meilleur pire supérieur inférieur
    """,
    "es": """
        todos todas todo toda cada siempre ambos completamente
        ninguno ninguna nunca nadie
        solo sólo solamente únicamente exclusivamente
        más menos mejor peor mayor menor
    """,
}
# What makes a statement unsure; a claim without it says more than a text with it.
_UNSURE = {
    "en": "may might could possibly perhaps potentially would likely suggests suggest probably",
    "de": "könnte könnten dürfte möglicherweise vielleicht wahrscheinlich eventuell",
    "fr": "pourrait pourraient peut-être probablement éventuellement",
    "es": "podría podrían quizá quizás posiblemente probablemente",
}


def opposite(claim: set[str], text: set[str], known: frozenset[str], language: str | None) -> str:
    """Give the word of a claim whose opposite stands in a text that has not the word itself, or "".

    Words are case-folded. ``known`` are the words of all passages: a prefix (``un-``, ``dis-``) makes a word
    the opposite of one that is known.
    """
    pairs = _pairs(language or "en")
    for word in sorted(claim - text):
        if any(other in text and other not in claim for other in pairs.get(word, ())):
            return word
    if language not in (None, "en"):
        return ""
    for word in sorted(claim - known):
        if len(word) > 5 and (
            (_PREFIX.match(word) and _PREFIX.sub("", word) in known)
            or any(p + word in known for p in _PREFIXES)
        ):
            return word
    return ""


def says_more(claim: set[str], text: set[str], language: str | None) -> bool:
    """Tell whether a claim has a strong word of a kind that the text has not, or leaves out its "may"."""
    spoken = language or "en"
    if any(kind.isdisjoint(text) and not kind.isdisjoint(claim) for kind in _kinds(spoken)):
        return True
    unsure = frozenset(_UNSURE.get(spoken, "").split())
    return not unsure.isdisjoint(text) and unsure.isdisjoint(claim)


@functools.cache
def _pairs(language: str) -> dict[str, set[str]]:
    pairs: dict[str, set[str]] = {}
    for line in _OPPOSITES.get(language, "").strip().splitlines():
        for pair in line.strip().split("|"):
            one, other = pair.split()
            pairs.setdefault(one, set()).add(other)
            pairs.setdefault(other, set()).add(one)
    return pairs


@functools.cache
def _kinds(language: str) -> list[frozenset[str]]:
    return [frozenset(line.split()) for line in _STRONG.get(language, "").strip().splitlines()]
