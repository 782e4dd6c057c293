"""The words with which answers decline or say that something is missing, by language.

Each line is one regular expression; ``<name>`` stands for the list of that name and language in LISTS.
Sentences are searched one at a time, NFKC-normalised, case-folded, with plain apostrophes, in all languages
at once, because a system may answer in another language than it was asked in.
"""

from __future__ import annotations

LISTS = {
    "en": {
        "source": "documents?|documentation|contexts?|passages?|sources?|texts?|excerpts?|articles?"
        "|materials?|notes?|knowledge base|search results?|snippets?|references?|records?|database"
        r"|(?:provided|given|available|retrieved|above) (?:\w+ )?(?:information|data|content|answer)",
        "told": "mentioned|specified|stated|provided|given|covered|addressed|discussed|included|found|present"
        "|available|answered|described|contained|listed",
        "tell": "contain|mention|provide|include|say|specify|state|give|cover|address|discuss|have|answer"
        "|offer|indicate|describe|explain|list|tell|refer|clear|enough|sufficient|reveal|touch|talk|detail"
        "|present|support",
        "help": "help|assist|answer|respond|comply|discuss|fulfill?|provide (?:an answer|information|you)",
        "right": "accurate|appropriate|ethical|acceptable|respectful|fair|productive|valid|okay|constructive",
        "speak": "provide|suggest|discuss|promote|encourage|make|say|share|ask|assume|generali[sz]e|engage"
        "|discriminate|judge|compare|harm|imply|try|intentionally|stereotype|advocate|perpetuate",
        "describe": "only|mainly|focus|discuss|describe|refer|talk|mention|provide",
        "just": r"(?:\w+ly |just |also |still )?",
    },
    "de": {
        "source": r"(?:dokument|text|quelle|kontext|unterlage|passage|abschnitt|ausz[uü]g|artikel|beleg)\w*",
        "help": r"\w*helfen|\w*antworten|geben|\w*stellen|unterstützen|nachkommen|sagen|mitteilen|erteilen"
        r"|\w*bieten|finden|liefern|nennen",
        "no": "nicht|keine[nrsm]?|kein|nichts",
        "fact": "information|angabe|daten|zugriff|kenntnis|antwort|hinweis|auskunft|auskünfte",
    },
    "fr": {
        "source": "documents?|textes?|contextes?|passages?|sources?|extraits?|articles?",
        "fact": "informations?|mention|réponse|données?|indication|renseignement|détail",
    },
    "es": {
        "source": "documentos?|textos?|contextos?|pasajes?|fuentes?|fragmentos?|artículos?",
        "help": "ayud|respond|proporcion|ofrec|dar|contest|brind|facilit|cumpl|compart|inform|decir|encontr"
        "|asist",
        "fact": "información|datos|mención|respuesta|referencias?|detalles",
    },
    "pt": {
        "source": "documentos?|textos?|contextos?|trechos?|fontes?|passagens|artigos?",
        "help": "ajud|respond|fornec|oferec|dar|compart|inform|dizer|encontr|auxili|atend",
        "fact": "informaç|menção|dados|resposta|detalhes",
    },
    "it": {
        "source": "document[oi]|test[oi]|contest[oi]|font[ei]|passagg[io]|bran[oi]|articol[oi]",
        "help": "aiutar|risponder|forni|offri|dar|condivider|dir|trovar|assister",
        "fact": "informazion|dati|riferiment|menzion|indicazion|rispost|dettagli",
    },
    "nl": {
        "source": r"(?:document|tekst|bron|context|passage|artikel)\w*",
        "help": r"\w*helpen|\w*antwoorden|geven|verstrekken|bieden|zeggen|vinden|voldoen|delen",
        "fact": "informatie|gegevens|antwoord|vermelding|details",
    },
    "ja": {
        "help": "答え|回答|対応|手伝い|提供|支援|協力|説明|伝え|案内|判断|応じ|教え|見せ",
        "fact": "情報|記載|記述|言及|答え|回答|データ|説明",
        "no": "ありません|ございません|ないため|ないです|ない。|ない$|見つかりません|見当たりません"
        "|得られません|含まれて(?:いません|いない|おりません)|持って(?:いません|おりません)",
    },
    "zh": {"help": "回答|提供|帮助|幫助|协助|協助|回应|回應|满足|滿足|给出|給出"},
    "ko": {
        "help": r"(?:답변|대답|도움|제공|도와|알려|말씀|안내)\S*",
        "fact": r"(?:정보|내용|언급|답|자료)\S*",
        "no": "없습니다|없어요|찾을 수 없|포함되어 있지 않|나와 있지 않|제공되지 않",
    },
    "ru": {"source": r"(?:документ|текст|контекст|источник|отрыв)\w*"},
}

# The speaker will not or cannot do what was asked.
DECLINE = {
    "en": r"""
\bi <just>(?:cannot|can't|can not|won't|will not)\b(?! (?:stress|overstate|wait|emph|agree))
\bi(?:'m| am) <just>(?:unable|not (?:able|allowed|permitted|comfortable|authori[sz]ed))\b
\bi(?:'m| am) <just>not (?:going|in a position|programmed|designed|trained|equipped|qualified) to\b
\bi (?:must |have to |need to |\w+ly )?(?:decline|refuse)\b
\bi (?:don't|do not) feel comfortable
\b(?:we|this assistant|the assistant) (?:are |is )?(?:cannot|can't|unable to|not able to) (?:<help>)
^(?:un|not )able to (?:generate|process|<help>)\b
^(?:i'm |i am )?(?:sorry|apologies|i apologi[sz]e),? (?:but )?(?:can't|cannot|no\b)
\b(?:request|question) (?:cannot|can't) be (?:answered|fulfilled|processed)
\bnot (?:something|a (?:topic|request)) (?:that )?i(?:'m| am| can)
\bit(?:'s| is| would be) (?:not|never) (?:<right>)(?: \w+,?){0,4}? to (?:<speak>)\b
\bi (?:don't|do not) (?:think|believe) (?:\w+ ){0,3}?(?:it(?:'s| is)|that(?:'s| is)) (?:an? )?(?:<right>)
^(?:sorry|i'm sorry|i apologi[sz]e),? but [^.!?]*\bnot (?:<right>)
\bas an ai\b[^.!?]{0,60}\bi must clarify\b
\bagainst (?:my|our) (?:\w+ )?(?:guidelines|polic|programming|principles)
\bnot within my (?:\w+ )*(?:programming|capabilit|scope)
\b(?:outside|beyond) (?:of )?(?:the scope of )?my (?:\w+ )?(?:scope|knowledge|capabilit|expertise|abilit)
""",
    "de": r"""
\b(?:ich (?:kann|darf|werde)|(?:kann|darf|werde) ich)\b[^.!?]*? (?:<no>)\b[^.!?]*?\b(?:<help>)\b
\bich bin (?:\w+ )*nicht in der lage\b
\b(?:ich muss|muss ich) (?:\w+ )*(?:ablehnen|passen)
\b(?:helfe|beantworte|gebe|nenne|sage|zeige) ich\b[^.!?]*? (?:<no>)\b
\bfrage (?:kann|lässt sich) (?:\w+ )*nicht beantwort
""",
    "fr": r"""
\bje (?:ne |n')(?:\w+ )?(?:peux|puis|pourrai|saurais|veux)\b
\bje ne suis pas (?:en mesure|capable|autorisée?|habilitée?)
\bje (?:dois|préfère) (?:décliner|refuser)|\bje refuse de
\bimpossible (?:pour moi )?de (?:vous )?(?:répondre|aider)
\bne (?:sont|est) pas (?:communiqu|divulgu)
""",
    "es": r"""
\bno (?:puedo|podré|podría|podemos) (?:\w+ )?(?:<help>)
\bno (?:soy capaz de|estoy (?:autorizad|en condiciones|en posición)|me es posible|es posible responder)
\b(?:debo|tengo que) (?:rechazar|negarme)
""",
    "pt": r"""
\bnão (?:posso|consigo|poderei|podemos) (?:\w+ )?(?:<help>)
\bnão (?:sou capaz|estou autorizad|me é possível|é possível responder)
""",
    "it": r"""
\bnon (?:posso|riesco a|possiamo) (?:\w+ )?(?:<help>)
\bnon (?:sono (?:in grado|autorizzat)|mi è possibile|è possibile rispondere)
""",
    "nl": r"""
\b(?:ik (?:kan|mag|wil|zal)|(?:kan|mag|zal) ik)\b[^.!?]*? (?:niet|geen)\b[^.!?]*?\b(?:<help>)\b
\bik ben niet in staat\b
""",
    "ja": r"""
(?:<help>)[^。、]{0,12}?(?:でき(?:ません|ない|かね)|出来ません|しかね|いたしかね|致しかね|られません)
応じられません|お断り|お役に立て(?:ません|ず)
""",
    "zh": r"""
(?:无法|無法|不能|没办法|沒辦法|不便)(?:直接|为您|為您|对此|對此)?(?:<help>)
""",
    "ko": r"""
<help>\s?(?:\S+\s)?(?:드릴 수 없|할 수 없|줄 수 없|수 없습니다|드리기 어렵|어렵습니다)
""",
    "ru": r"""
\bне (?:могу|смогу|в состоянии) (?:\w+ )?(?:ответить|помочь|предоставить|дать|найти|сказать)
""",
    "pl": r"""
\bnie (?:mogę|jestem w stanie|potrafię) (?:\w+ )?(?:odpowiedzieć|pomóc|udzielić|podać|znaleźć|udostępnić)
""",
    "sv": r"""
\b(?:jag kan|kan jag) (?:\w+ )?inte (?:\w+ )?(?:hjälpa|svara|ge|tillhandahålla|besvara|hitta)
""",
    "tr": r"""
yardımcı olam\w+|(?:cevap|yanıt) verem\w+|yanıtlayam\w+|cevaplayam\w+
""",
}

# The speaker does not know, or the sources do not say.
LACK = {
    "en": r"""
\bi (?:\w+ly |just )?(?:don't|do not|didn't|did not) (?:\w+ly )?know\b
\bi (?:\w+ly )?(?:don't|do not|didn't) (?:\w+ly )?(?:have|see|find|possess|hold)\b(?! to\b)
\bi have (?:no|little|limited) (?:\w+ )?(?:information|idea|data|knowledge|details|record|answer|figures)
\b(?:<source>|information) (?:\w+ ){0,3}?says? nothing\b|\bnot known to me\b
\bi(?:'m| am) not (?:\w+ly )?(?:sure|aware|certain|familiar)\b
\bi (?:could|was|did|have)(?: not|n't) (?:been )?(?:able to )?(?:find|locate|found)\b
\b(?:no|not (?:enough|any)|insufficient|lack of) (?:\w+ ){0,2}?(?:information|info|mention)\b
\bthere (?:is|are) (?:no|not enough|insufficient|little) (?:\w+ ){0,2}?(?:details?|data|context|references?)\b
\b(?:<source>) (?:\w+ ){0,6}?(?:does|do|did|is|are)(?: not|n't) (?:\w+ly )?(?:<tell>)
\b(?:none|neither) of the (?:\w+ ){0,3}?(?:<source>)\b
\b(?:<source>) (?:\w+ ){0,4}?(?:contains?|provides?|has|have|makes?|gives?|includes?|offers?) no\b
(?:\bnot|n't) (?:\w+ly )?(?:<told>) (?:\w+ ){0,2}?(?:in|by|from) (?:\w+ ){0,3}?(?:<source>)
\bno\b[^.!?]{0,60} (?:<told>) (?:in|by|from) (?:\w+ ){0,3}?(?:<source>)
\banswer (?:\w+ )?(?:is not|isn't) (?:\w+ )?(?:<told>)
\b(?:cannot|can't|could not|couldn't) be (?:\w+ly )?(?:answered|determined|found|inferred|confirmed)\b
\bunanswerable\b
\b(?:not possible|impossible) to (?:\w+ly )?(?:answer|determine|say|tell|know|infer)\b
\bno (?:(?:definite|clear|direct|specific) )?answer (?:is|was|can|could|in|to)\b
""",
    "de": r"""
\bich (?:\w+ )?weiss (?:\w+ ){0,3}?nicht\b|\bweiss ich (?:\w+ ){0,3}?nicht\b|^keine ahnung
\b(?:habe|hab|haben|liegen|gibt|finden?|konnten?)\b[^.!?]{0,40}? keine?[nrsm]? [^.!?]{0,30}?(?:<fact>)
\b(?:<source>)\b[^.!?]{0,60}? (?:<no>)\b
\b(?:<no>)\b[^.!?]{0,30}\b(?:in|aus) (?:\w+ ){0,3}?(?:<source>)
\bich (?:konnte|kann) [^.!?]{0,60}?(?:<no>) (?:\w+ ){0,2}?(?:finden|gefunden)
\b(?:ist|sind) mir (?:\w+ )?nicht bekannt|\blässt sich [^.!?]*?nicht (?:beantworten|sagen|entnehmen)
""",
    "fr": r"""
\bje (?:ne |n')(?:l')?(?:sais|connais|dispose|trouve|possède|vois) (?:\w+ )?(?:pas|aucune?)\b|\bj'ignore\b
\bje n'ai (?:\w+ )?(?:pas|aucune?|trouvé)\b
\b(?:aucune?|pas assez d'|pas suffisamment d'|pas d')\s?(?:\w+ )?(?:<fact>)
\b(?:<source>)\b[^.!?]{0,40}? (?:ne |n')\w+ (?:\w+ )?(?:pas|aucune?|rien)\b
\b(?:n'est|ne sont|n'a|n'ont) pas (?:été )?(?:mentionn|précis|indiqu|fourni|trouv)\w*[^.!?]{0,30}(?:<source>)
""",
    "es": r"""
^(?:lo siento|perdón|disculpe|lamentablemente)?,? ?(?:pero )?(?:yo )?no (?:lo )?sé\b|\bno sé la respuesta
\bno (?:dispongo de|cuento con|tengo (?:\w+ )?(?:<fact>|idea|acceso|suficiente|conocimiento))
\bno (?:he encontrado|encuentro|encontré|pude encontrar|se encontró|se ha encontrado)
\bno hay (?:\w+ )?(?:<fact>)|\bninguna (?:<fact>)
\b(?:<source>)\b[^.!?]{0,40}? no (?:\w+ )?(?:conti|mencion|inclu|dice|indica|propor|especific|ofrec|da\b|tien)
\bno (?:se|está|están|aparece|viene|figura)\w* [^.!?]{0,30}?(?:<source>)
\b(?:<source>|información)\b[^.!?]{0,40}? no (?:se )?(?:figura|aparece|consta|encuentra|menciona|indica)
""",
    "pt": r"""
^(?:desculpe|lamento|infelizmente)?,? ?(?:mas )?(?:eu )?não sei\b|\bnão sei a resposta
\bnão (?:tenho (?:\w+ )?(?:<fact>|acesso|conhecimento)|disponho|encontrei)
\bnão há (?:\w+ )?(?:<fact>)|\bnenhuma (?:informação|menção)
\b(?:<source>)\b[^.!?]{0,40}? não (?:\w+ )?(?:cont[eéê]|menciona|inclu|diz|indica|fornece|especifica|traz)
\bnão (?:é|está|são|foi|foram) (?:mencionad|especificad|indicad|informad)\w*[^.!?]{0,30}(?:<source>)
""",
    "it": r"""
\bnon (?:lo so\b|so (?:la risposta|rispondere)|ho (?:\w+ )?(?:<fact>|accesso|trovato|idea)|dispongo)
\bnon (?:ci sono|c'è|sono presenti|vi sono) (?:\w+ )?(?:<fact>)|\bnessuna (?:<fact>)
\b(?:<source>)\b[^.!?]{0,40}? non (?:\w+ )?(?:conten|contien|menzion|inclu|dic|indica|forni|specific|riport)
\bnon (?:è|viene|sono) (?:\w+ )?(?:menzionat|specificat|indicat|riportat)\w*[^.!?]{0,30}(?:<source>)
""",
    "nl": r"""
\bik weet (?:\w+ ){0,3}?niet\b|\bweet ik (?:\w+ ){0,2}?niet\b
\b(?:heb|hebben|is|vind|kon|staat|beschik)\b[^.!?]{0,30}? geen (?:\w+ )?(?:<fact>)
\b(?:<source>)\b[^.!?]{0,40}? (?:niet|geen|niets)\b
""",
    "ja": r"""
(?:分か|わか|判)り(?:ません|かね)|(?:分から|わから)ない(?:です)?(?:。|$)|知りません|存じ(?:ません|上げません)
(?:<fact>)[^。]{0,20}?(?:<no>)
(?:記載|言及|説明|記述|明記)されて(?:いません|おりません|いない)|触れられていません|見つかりませんでした
""",
    "zh": r"""
(?:我|抱歉|对不起|對不起|^)[^。]{0,6}(?:不知道|不清楚|不太清楚|不确定|不確定)
(?:没有|沒有|未)[^。]{0,8}(?:提供|提到|提及|找到|说明|說明|包含|给出|足够|相关)[^。]{0,12}(?:信息|資訊|内容|答案|。|$)
(?:无法|無法)(?:从|從|根据|根據|确定|確定|得知|找到|判断)
""",
    "ko": r"""
모르겠|모릅니다|알 수 없(?:습니다|어요)
<fact>\s?(?:\S+ ){0,2}?(?:<no>)
""",
    "ru": r"""
^(?:извините|к сожалению)?,? ?(?:но )?(?:я )?не знаю\b|\bу меня нет (?:\w+ )?(?:информации|данных)
\b(?:нет|отсутствует) (?:\w+ )?(?:информаци|данны|сведени|упоминани)|\bя не наш(?:е|ё|л)
\b(?:<source>) [^.!?]{0,30}?не (?:содерж|упомин|указ)
\bне (?:указан|упомянут|содерж)\w* [^.!?]{0,20}(?:<source>)
""",
    "pl": r"""
^(?:przepraszam|niestety)?,? ?(?:ale )?nie wiem\b|\bnie mam (?:\w+ )?(?:informacji|danych|dostępu)
\b(?:brak|nie ma) (?:\w+ )?(?:informacji|danych|wzmianki)|\bnie (?:znalazłem|znalazłam|znaleziono)
""",
    "sv": r"""
\bjag vet (?:\w+ )?inte\b|\bjag har (?:\w+ )?ingen (?:\w+ )?information
\b(?:dokument|text|käll)\w* [^.!?]{0,30}?(?:inte|ingen)\b
""",
    "ar": r"""
لا (?:أستطيع|يمكنني|استطيع|أعرف|أعلم|اعرف|تتوفر|توجد معلومات|أملك|يحتوي|تحتوي|يذكر)
لم (?:أجد|أعثر|يتم ذكر)|ليس لدي(?!\w)
""",
    "tr": r"""
bilmiyorum|bilgim yok|bilgi (?:yok|bulunm\w+|mevcut değil)|belirtilmemiş
""",
}
