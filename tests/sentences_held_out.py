"""Sentences in 15 languages, written before the splitter was last changed and never used to change it.

``|`` stands where a reader ends a sentence; the mark itself is not part of the text.
"""

from __future__ import annotations

HELD_OUT = {
    "en": (
        "The ferry leaves at 7.45 a.m. and docks by 9.|Tickets cost $12.50 each.",
        "Brown et al. found no effect.|Their sample (n = 40) was small.",
        "Acme Ltd. was founded in 1998.|It now employs 1,200 people.",
        '"Is it open?" she asked.|"Not yet."',
        "Version 3.2.1 adds search.|See docs.example.org/help for more.|Enjoy!",
        "Gen. Ortiz met Sen. Blake on Feb. 3.|Nothing was agreed.",
        "The U.S. Navy keeps records.|They are public [4].|Copies are free.[5]|Ask for them.",
        "Options:|1. Walk.|2. Cycle (approx. 5 km).|3. Drive",
        "He scored 3.5 vs. 4.1 last year...|a decline.",
        "Wait!|What?!|No...|Really.",
    ),
    "de": (
        "Die Fähre fährt um 7.45 Uhr ab.|Sie kostet ca. 12,50 Euro.",
        "Prof. Dr. Lang, geb. 1950, lehrt u. a. in Wien.|Er ist emeritiert.",
        "Am 1. April gilt die Regel Nr. 7 bzw. deren Abs. 2.|Danach nicht mehr.",
        "„Kommst du?“, fragte er.|„Nein.“",
        "Im 18. Jh. war es anders.|Heute gibt es z. B. Busse, Bahnen usw.|Alle fahren oft.",
    ),
    "fr": (
        "M. Dupont habite av. Foch.|Il y a env. 3 000 habitants.",
        "« Vient-il ? » demanda-t-elle.|« Non. »",
        "Le prix est de 12,50 €.|Voir p. 7 et art. 12.|Merci !",
    ),
    "es": (
        "El Dr. Ruiz vive en la Avda. Mayor núm. 5.|¿Lo conoces?|¡Claro!",
        "EE. UU. exportó 1.200 t.|La cifra subió un 3,5 %.",
        "Abre de 9 a. m. a 5 p. m. todos los días.|Cierra en enero.",
    ),
    "it": (
        "Il sig. Rossi e la dott.ssa Neri arrivano alle 7.45.|Partono alle 9.",
        "Costa ca. 12,50 €.|Vedi pag. 3.",
    ),
    "pt": (
        "O Sr. Silva mora na Av. Central, n.º 5.|A casa é azul.",
        "Custa R$ 12,50.|É caro?|Não.",
    ),
    "nl": (
        "Dhr. de Vries woont bijv. in Gent.|Hij is ca. 40 jaar.",
        "Het kost € 12,50 p.p.|Kinderen gaan gratis.",
    ),
    "ja": (
        "開館は午前9時です。|入場料は1,200円（税込）です。|休館日は？",
        "「もう閉まりましたか。」と彼は聞いた。|はい！",
        "費用は2.5万円です｡|詳しくはp.12を見てください。",
    ),
    "zh": (
        "博物馆九点开门。|门票12.5元！|周一休息吗？|是的。",
        "他说：“今天不去。”|然后走了。",
    ),
    "hi": ("दुकान नौ बजे खुलती है।|टिकट 12.50 रुपये का है।|क्या यह सच है?|हाँ।",),
    "ar": ("يفتح المتحف الساعة 9.|سعر التذكرة 12.5 دينار.|هل هو مغلق يوم الاثنين؟|نعم.",),
    "ru": (
        "В 1998 г. завод закрылся.|Там работало 1,2 тыс. человек.|Что теперь?",
        "См. стр. 5 и рис. 2.|Далее идут примеры, т. е. таблицы.",
    ),
    "ko": ("박물관은 9시에 엽니다.|입장료는 12.5달러입니다.|월요일에 쉽니까?|네.",),
    "tr": ("Müze saat 9'da açılır.|Bilet 12,50 liradır.|Prof. Dr. Kaya orada çalışır.",),
    "pl": ("Muzeum otwarto w 1998 r. w Łodzi.|Bilet kosztuje ok. 12,50 zł.|Czy to drogo?",),
}


def unmarked(line: str) -> tuple[str, list[str]]:
    """Give the text of a line and its sentences; items of a list stand on lines of their own."""
    spaced = not any("\u3040" <= sign <= "\u9fff" for sign in line)
    in_list = line.startswith("Options:")
    sentences = line.split("|")
    return ("\n" if in_list else " " if spaced else "").join(sentences), sentences
