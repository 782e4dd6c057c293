"""The words with which answers decline, say that something is missing, ask back or are merely polite.

One table per kind, by language. Each line is one regular expression; ``<name>`` stands for the list of that
name and language in LISTS. Texts are searched a sentence at a time, NFKC-normalised, case-folded, with plain
apostrophes; all languages at once, because a system may answer in another language than it was asked in.
"""

from __future__ import annotations

LISTS = {
    "en": {
        "source": "documents?|documentation|contexts?|passages?|sources?|texts?|excerpts?|articles?|materials?"
        "|knowledge base|search results?|snippets?|references?|records?|database"
        r"|(?:provided|given|available|supplied|retrieved|above) (?:\w+ )?(?:information|data|content|answer)",
        "told": "mentioned|specified|stated|provided|given|covered|addressed|discussed|included|found|present"
        "|available|answered|described|contained|listed",
        "tell": "contain|mention|provide|include|say|specify|state|give|cover|address|discuss|have|answer|offer"
        "|indicate|describe|explain|list|tell|refer|clear|enough|sufficient|reveal|touch|talk|detail|present"
        "|support",
        "help": "help|assist|answer|respond|comply|discuss|fulfill?|provide (?:an answer|information|that|you)",
        "right": "accurate|appropriate|ethical|acceptable|respectful|fair|productive|valid|okay|constructive",
        "speak": "provide|suggest|discuss|promote|encourage|make|say|share|ask|assume|generali[sz]e|engage"
        "|discriminate|judge|compare|harm|imply|try|intentionally|stereotype|advocate|perpetuate",
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
        "help": "答え|回答|対応|手伝い|提供|支援|協力|説明|伝え|案内|判断|応じ|教え",
        "fact": "情報|記載|記述|言及|答え|回答|データ|説明",
        "no": "ありません|ございません|ないため|ないです|ない。|ない$|見つかりません|見当たりません|得られません"
        "|含まれて(?:いません|いない|おりません)|持って(?:いません|おりません)",
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
\bfrage (?:kann|lässt sich) (?:\w+ )*nicht beantwort
""",
    "fr": r"""
\bje (?:ne |n')(?:\w+ )?(?:peux|puis|pourrai|saurais|veux)\b
\bje ne suis pas (?:en mesure|capable|autorisée?|habilitée?)
\bje (?:dois|préfère) (?:décliner|refuser)|\bje refuse de
\bimpossible (?:pour moi )?de (?:vous )?(?:répondre|aider)
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
\bi have (?:no|little|limited) (?:\w+ )?(?:information|idea|data|knowledge|details|record|answer|context)
\bi(?:'m| am) not (?:\w+ly )?(?:sure|aware|certain|familiar)\b
\bi (?:could|was|did|have)(?: not|n't) (?:been )?(?:able to )?(?:find|locate|found)\b
\b(?:no|not (?:enough|any)|insufficient|lack of) (?:\w+ ){0,2}?(?:information|info|mention|evidence)\b
\bthere (?:is|are) (?:no|not enough|insufficient|little) (?:\w+ ){0,2}?(?:details?|data|context|references?)\b
\b(?:<source>) (?:\w+ ){0,6}?(?:does|do|did|is|are)(?: not|n't) (?:\w+ly )?(?:<tell>)
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
\bich (?:\w+ )?weiß (?:\w+ ){0,3}?nicht\b|\bweiß ich (?:\w+ ){0,3}?nicht\b|^keine ahnung
\b(?:habe|hab|haben|liegen|gibt|finde|finden|konnte|konnten)\b[^.!?]{0,40}? keine?[nrsm]? [^.!?]{0,30}?(?:<fact>)
\b(?:<source>)\b[^.!?]{0,60}? (?:<no>)\b
\b(?:<no>)\b[^.!?]{0,30}\b(?:in|aus) (?:\w+ ){0,3}?(?:<source>)
\bich (?:konnte|kann) [^.!?]{0,60}?(?:<no>) (?:\w+ ){0,2}?(?:finden|gefunden)
\b(?:ist|sind) mir (?:\w+ )?nicht bekannt|\blässt sich [^.!?]*?nicht (?:beantworten|sagen|entnehmen)
""",
    "fr": r"""
\bje (?:ne |n'|l')(?:l')?(?:sais|connais|dispose|trouve|possède|vois|ignore) ?(?:\w+ )?(?:pas|aucune?|la réponse)\b
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
\b(?:<source>)\b[^.!?]{0,40}? non (?:\w+ )?(?:conten|contien|menzion|inclu|dic|indica|forni|specific|offr|riport)
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
لم (?:أجد|أعثر|يتم ذكر)|ليس لدي
""",
    "tr": r"""
bilmiyorum|bilgim yok|bilgi (?:yok|bulunm\w+|mevcut değil)|belirtilmemiş
""",
}

# The speaker asks which of several things is meant.
ASK = {
    "en": r"""
\bwhich (?:\w+ ){0,5}?(?:are|do|did|would|were|is) you\b|\bwhich one\b|\b(?:do|did) you mean\b
\bare you (?:\w+ )?(?:asking|referring|talking|looking for|thinking|inquiring)\b
\b(?:clarify|specify|rephrase|elaborate|be more specific|narrow (?:it|this|that) down)\b
\bwhat (?:exactly|specifically|kind|type|sort|version|model)\b[^.?]*\byou\b
""",
    "de": r"""
\bwelche[nrsm]?\b[^?]*\b(?:meinen|meinst|beziehen|geht es|suchen|suchst)|\b(?:meinen sie|meinst du)\b
\b(?:präzisier|spezifizier|konkretisier|klarstell|genauer (?:beschreib|angeb|sagen|erklär))
\b(?:was|worum|wonach) genau\b
""",
    "fr": r"""
\bquel(?:le)?s?\b[^?]*\b(?:parlez|voulez|souhaitez|cherchez|référence)|\bvoulez-vous dire\b
\b(?:préciser|clarifier|reformuler)\b
""",
    "es": r"""
\b(?:se refiere|te refieres|quiere decir|quieres decir)\b|\b(?:aclarar|especificar|precisar|ser más específic)
""",
    "pt": r"""
\b(?:se refere|quer dizer)\b|\b(?:esclarecer|especificar|ser mais específic)
""",
    "it": r"""
\b(?:si riferisce|ti riferisci|intende|intendi)\b|\b(?:specificare|chiarire|precisare)
""",
    "nl": r"""
\bwelke?\b[^?]*\b(?:bedoelt|bedoel)|\b(?:bedoelt u|bedoel je)\b|\b(?:verduidelijken|specificeren|preciseren)
""",
    "ja": r"""
(?:どの|どちら|どれ|どういった|何の|いつの|どこの)[^。？?]*(?:でしょうか|ですか|ますか)
(?:具体的に|明確に|詳しく)[^。]*(?:教えて|お知らせ|お聞かせ|ご指定|いただけ)
""",
    "zh": r"""
(?:请问|您|你)[^。？?]*(?:哪|是指|指的是)|请(?:您)?(?:具体)?(?:说明|明确|澄清)
""",
    "ko": r"""
(?:어떤|어느|무엇)[^.?]*(?:말씀|의미|찾으|원하)|(?:구체적으로|자세히)[^.?]*(?:알려|말씀)
""",
    "ru": r"""
\b(?:уточните|поясните|уточнить)\b|\bвы имеете в виду\b|\b(?:что|как\w+) именно\b
""",
    "pl": r"""
\b(?:doprecyzować|sprecyzować|uściślić)\b|\bma (?:pan|pani) na myśli\b|\bmasz na myśli\b
""",
}

# The speaker asks for more to go on.
ASK_MORE = {
    "en": r"""
\b(?:could|can|would|will|may|might) you (?:please |kindly )?(?:provide|tell|share|give|let me know|send|confirm|describe)
^please (?:\w+ )?(?:provide|tell|share|give|let me know|send)\b
^what (?:is|are) your\b
""",
    "de": r"""
\b(?:könnten|können|kannst|könntest|würden) (?:sie|du) (?:\w+ ){0,4}?(?:mehr|weitere|sagen|mitteilen|nennen|angeben)
^bitte (?:geben|nennen|teilen|beschreiben) sie
""",
    "fr": r"""
\b(?:pouvez|pourriez|peux|pourrais)-(?:vous|tu) (?:\w+ ){0,3}?(?:dire|indiquer|fournir|donner|décrire)
""",
    "es": r"""
\b(?:podría|podrías|puede|puedes) (?:\w+ ){0,2}?(?:indicar|decirme|proporcionar|darme|dar|contarme)
""",
    "pt": r"""
\b(?:poderia|pode) (?:\w+ ){0,3}?(?:dizer|indicar|fornecer|informar|dar)
""",
    "it": r"""
\b(?:potrebbe|può|puoi|potresti) (?:\w+ ){0,2}?(?:dirmi|indicar|fornir|darmi)
""",
    "nl": r"""
\b(?:kunt|kun|zou|kan) (?:u|je|jij) (?:\w+ ){0,5}?(?:vertellen|aangeven|geven|delen)
""",
    "ja": r"""
(?:教えて|お知らせ|お聞かせ|ご提示|ご指定)[^。]*(?:いただけ|ください|もらえ)
""",
    "zh": r"""
(?:能否|可以|能)[^。]*(?:告诉|提供|说明)|请(?:您)?提供
""",
}

# Advice, and words about the sources: no answer where they follow a refusal.
ADVICE = {
    "en": r"""
\b(?:recommend|suggest|advise|encourage|urge|consult|contact|reach out|seek|please (?:refer|check|visit|see|note))\b
\byou (?:may|can|could|might|should) (?:\w+ )?(?:want to )?(?:check|contact|try|consult|visit|look|refer|find|ask)\b
\bit(?:'s| is) (?:\w+ )?(?:important|essential|crucial|best|advisable|recommended|worth)\b|^if you(?:'re| are| have| need)
\b(?:the|these|this|provided) (?:\w+ )?(?:<source>|question) (?:\w+ )?(?:only|mainly|focus|discuss|describe|refer|talk|is|are)
""",
    "de": r"""
\b(?:empfehle|wenden sie sich|kontaktieren|konsultieren|bitte (?:beachten|prüfen|besuchen)|es ist wichtig)
""",
    "fr": r"""
\b(?:recommande|conseille|suggère|veuillez|contactez|contacter|consultez|consulter|il est important)
""",
    "es": r"""
\b(?:recomiendo|sugiero|aconsejo|consulte|consultar|contacte|contactar|póngase en contacto|es importante)
""",
    "pt": r"""
\b(?:recomendo|sugiro|consulte|consultar|entre em contato|é importante)
""",
    "it": r"""
\b(?:consiglio|suggerisco|consulti|consultare|contatti|contattare|è importante)
""",
    "nl": r"""
\b(?:raad|adviseer|raadpleeg|neem contact|het is belangrijk)
""",
    "ja": r"""
(?:お問い合わせ|ご相談|ご確認|ご参照|ご連絡|おすすめ|お勧め|推奨)|重要です
""",
    "zh": r"""
建议|請聯繫|请联系|请咨询|请参考
""",
}

# Greetings, thanks, offers and lead-ins: nothing that could be true or false of the sources.
POLITE = {
    "en": r"""
^(?:hello|hi|hey|dear|sure|certainly|of course|absolutely|okay|ok|great|good (?:question|morning|day)|thank|thanks|yes|no)\b\W*$
^(?:thank you|thanks|you're welcome|great question|good question|hello|hi|sure|certainly|of course)\b[^.]{0,60}$
^(?:i'm |i am )?(?:so |very |really )?(?:sorry|glad|happy)\b(?! to (?:say|inform|tell))|^(?:i |we )?apologi[sz]e|^my apologies
\b(?:let me know|feel free|don't hesitate|do not hesitate|hope (?:this|that|it) help|happy to help|is there anything else)\b
\b(?:would you like|do you want|shall i|can i help|how (?:can|may) i (?:help|assist)|any (?:other|further|more) questions)\b
\bi(?:'m| am) (?:just |only )?an? (?:ai|assistant|language model|chatbot)\b|^as an ai\b[^,]*[.!]?$
^(?:here (?:is|are|'s)|below (?:is|are))\b[^.]{0,60}$
""",
    "de": r"""
^(?:hallo|guten (?:tag|morgen|abend)|gerne?|natürlich|klar|danke|vielen dank|ja|nein|sicher)\b\W*(?:\w+\W*){0,4}$
\b(?:tut mir leid|entschuldigung|entschuldigen sie|melden sie sich|stehe ich|hoffe,? (?:das|dies)|kann ich sonst)\b
\b(?:haben sie (?:noch|weitere)|möchten sie|soll ich)\b
""",
    "fr": r"""
^(?:bonjour|bonsoir|merci|bien sûr|certainement|d'accord|oui|non)\b\W*(?:\w+\W*){0,4}$
\b(?:désolée?|n'hésitez pas|j'espère que|puis-je|souhaitez-vous|voulez-vous que)\b
""",
    "es": r"""
^(?:hola|buenos días|buenas|gracias|claro|por supuesto|desde luego|sí|no)\b\W*(?:\w+\W*){0,4}$
\b(?:lo siento|lamento|no dude en|no dudes en|espero que (?:esto|le|te)|puedo ayudar|le gustaría|te gustaría)\b
""",
    "pt": r"""
^(?:olá|oi|bom dia|obrigad[oa]|claro|certamente|sim|não)\b\W*(?:\w+\W*){0,4}$
\b(?:desculpe|lamento|não hesite|espero que (?:isso|isto)|posso ajudar|gostaria de)\b
""",
    "it": r"""
^(?:ciao|buongiorno|salve|grazie|certo|certamente|sì|no)\b\W*(?:\w+\W*){0,4}$
\b(?:mi dispiace|non esitare|non esiti|spero che (?:questo|sia)|posso aiutar)\b
""",
    "nl": r"""
^(?:hallo|goedendag|dank|bedankt|natuurlijk|zeker|ja|nee)\b\W*(?:\w+\W*){0,4}$
\b(?:het spijt me|aarzel niet|ik hoop dat|kan ik u|wilt u)\b
""",
    "ja": r"""
^(?:こんにちは|はい|いいえ|かしこまりました|承知|ありがとう|もちろん)[^。]{0,12}[。！]?$
(?:申し訳|すみません|ごめんなさい)[^。]{0,12}[。！]?$|お役に立てれば|お気軽に|ご質問があれば|お手伝いできること
""",
    "zh": r"""
^(?:你好|您好|好的|当然|是的|谢谢|不客气)[^。]{0,8}[。！]?$|希望(?:这|对您)|如果您有(?:任何|其他)|请随时
^(?:抱歉|对不起|對不起)[^。]{0,4}[。！]?$
""",
    "ko": r"""
^(?:안녕하세요|네|예|아니요|감사합니다|물론입니다)[.!]?$|^죄송합니다[.!]?$|도움이 되(?:었|길)|언제든지
""",
}
