"""How a sentence is negated and a negation taken away, by language: verbs and particles, no grammar."""

from __future__ import annotations

_VERBS = {
    "en": "is|are|was|were|can|will|must|may|should|could|would",
    "de": "ist|sind|war|waren|kann|können|darf|dürfen|muss|müssen|wird|werden|gilt|gelten|kostet|bleibt",
    "fr": "sont|peut|peuvent|pouvez|doit|doivent|devez|faut|coûte|coûtent|reste|dure|couvre|prend",
    "es": (
        "es|son|está|están|puede|puedes|pueden|debe|debes|deben|tiene|tienes|tienen|hay|cuesta|cuestan|dura|cubre"
        "|paga|vale"
    ),
}

RULES: dict[str, tuple[tuple[str, str], ...]] = {
    "en": (
        (r"\b(can)(?:not|'t|’t)\b", r"\1"),
        (r"\b(is|are|was|were|do|does|did|has|have|must|should|could|would)(?:n't|n’t| not)\b", r"\1"),
        (r"\b(can|may|will) not\b", r"\1"),
        (r"\bnever\b", "always"),
        (rf"\b({_VERBS['en']})\b(?! not\b|n['’]t)", r"\1 not"),
        (r"\b(costs|applies|lasts|covers|takes|pays|includes|stays)\b", r"never \1"),
    ),
    "de": (
        (r"\b(\w+) nicht\b", r"\1"),
        (r"\bkein(e|en|em|er|es)?\b", r"ein\1"),
        (r"\bnie\b", "immer"),
        (rf"\b({_VERBS['de']})\b(?! (?:nicht|kein))", r"\1 nicht"),
    ),
    "fr": (
        (r"\b(?:ne |n['’])((?:\w+ )?\w+) (?:pas|plus|jamais)\b", r"\1"),
        (r"(?<!n['’])\best\b(?! pas| plus)", "n'est pas"),
        (rf"(?<!ne )\b({_VERBS['fr']})\b(?! pas| plus)", r"ne \1 pas"),
    ),
    "es": (
        (r"\bno (?=[a-záéíóúñ])", ""),
        (r"\bnunca\b", "siempre"),
        (rf"(?<![Nn]o )(?<![Ss]e )\b({_VERBS['es']})\b", r"no \1"),
    ),
    "ja": (
        (r"ありません", "あります"),
        (r"できません", "できます"),
        (r"ません(?!でした)", "ます"),
        (r"できます", "できません"),
        (r"あります", "ありません"),
        (r"です(?=[。が、]|$)", "ではありません"),
        (r"ます(?=[。が、]|$)", "ません"),
    ),
}
"""By language, expressions and what becomes of them: the first take a negation away, the last add one."""
