"""The words with which answers ask back, give advice or are merely polite, by language.

Written and searched like those of ``phrases_refusing``.
"""

from __future__ import annotations

# The speaker offers more: a question that no answer depends on.
OFFER = {
    "en": r"""
^(?:\w+,? )?(?:would you like|do you want|shall i|should i|can i help|how (?:can|may) i|did you know)\b
\b(?:anything|what) else\b|\bany (?:other|further|more) questions\b
""",
    "de": r"""
^(?:möchten sie|möchtest du|soll ich|kann ich (?:ihnen|dir|sonst)|haben sie (?:noch|weitere) fragen)\b
""",
    "fr": r"""
^(?:souhaitez-vous|voulez-vous que|puis-je|avez-vous d'autres questions)\b
""",
    "es": r"""
^¿?(?:(?:le|te) gustaría|quiere que|quieres que|puedo ayudar|algo más)\b
""",
    "pt": r"""
^(?:gostaria de|quer que|posso ajudar|algo mais)\b
""",
    "it": r"""
^(?:vuole che|vuoi che|posso aiutar|desidera che)\b
""",
    "nl": r"""
^(?:wilt u|wil je|kan ik u|kan ik je|zal ik)\b
""",
    "ja": r"""
(?:お手伝い|お役に立て)[^。]*(?:ありますか|でしょうか|ましょうか)|ほかに[^。]*ありますか
""",
    "zh": r"""
(?:还|還)有(?:什么|其他)|需要我
""",
}

# The speaker asks which of several things is meant.
ASK = {
    "en": r"""
\bwhich\b[^?]*\b(?:you|your|it|or)\b
^(?:are|is|was|were|do|did|does|have|has|will) (?:you|it|this|that|your)\b[^?]*\bor\b
\bwhich (?:\w+ ){0,5}?(?:are|do|did|would|were|is) you\b|\bwhich one\b|\b(?:do|did) you mean\b
\bare you (?:\w+ )?(?:asking|referring|talking|looking for|thinking|inquiring)\b
\b(?:clarify|specify|rephrase|elaborate|be more specific|narrow (?:it|this|that) down)\b
\bwhat (?:exactly|specifically|kind|type|sort|version|model)\b[^.?]*\byou\b
""",
    "de": r"""
\bwelche[nrsm]?\b[^?]*\b(?:meinen|meinst|beziehen|geht es|suchen|suchst)|\b(?:meinen sie|meinst du)\b
\b(?:präzisier|spezifizier|konkretisier|klarstell|genauer (?:beschreib|angeb|sagen|erklär))
\b(?:was|worum|wonach) genau\b|\bwelche[nrsm]?\b[^?]*\b(?:sie|du|ihr|ihre[nrm]?|dein\w*|es)\b
^(?:haben|sind|ist|war|waren|geht|handelt|fahren|wohnen)\b[^?]*\boder\b
""",
    "fr": r"""
\bquel(?:le)?s?\b[^?]*(?:-vous|-tu|-il|\bvotre|\bvos)\b|\bvoulez-vous dire\b
\b(?:est-ce|s'agit-il|avez-vous|êtes-vous|était-ce)\b[^?]*\bou\b
\b(?:préciser|clarifier|reformuler)\b
""",
    "es": r"""
\b(?:se refiere|te refieres|quiere decir|quieres decir)\b|\b(?:aclarar|especificar|precisar|ser más específic)
^¿?(?:en |de |a |para )?(?:qué|cuál)\b[^?]*\b(?:has|ha|vas?|tienes?|vives?|usted|le|te|su|tu|es)\b
^¿?(?:en |de |a |para )?(?:qué|cuál)\b[^?]*\b(?:quier|prefier|neces|dese|utiliz|compr)\w+
^¿(?:es|está|tiene|tienes|vive|vives)\b[^?]* o \b
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
(?:です|ます)か、[^。？?]*(?:です|ます)か
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
\b(?:could|can|would|will|might) you (?:please |kindly )?(?:provide|tell|share|give|let me know|send|confirm)
\bi (?:just )?need (?:to know )?(?:your|the|which)\b
^what (?:is|are) your\b
""",
    "de": r"""
\b(?:könnten|können|kannst|könntest) (?:sie|du) (?:\w+ ){0,4}?(?:mehr|weitere|sagen|mitteilen|nennen|angeben)
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
\b(?:recommend|suggest|advise|encourage|caution|urge|consult|contact|reach out|seek)\b
^please (?:ask|call|get|refer|check|visit|see|note|try|speak|write)\b|^if you(?:'re| are| have| need)\b
\b(?:may|might|can|could|will) (?:be able to )?(?:help|tell you|be asked)\b
\byou (?:may|can|could|might|should) (?:\w+ )?(?:want to )?(?:check|contact|try|consult|visit|look|ask)\b
\bit(?:'s| is) (?:\w+ )?(?:important|essential|crucial|best|advisable|recommended|worth)\b
\b(?:<source>|question) (?:\w+ )?(?:<describe>|is\b|are\b|asks?|requires?)
^(?:they|it|instead,? (?:they|it)) (?:\w+ )?(?:<describe>)
""",
    "de": r"""
\b(?:empfehle|wenden sie sich|kontaktieren|konsultieren|es ist wichtig|weiterhelfen|nachfragen)\b
^bitte \w+ (?:sie|dich|euch)?\b|^fragen sie\b
""",
    "fr": r"""
\b(?:recommande|conseille|suggère|veuillez|contactez|contacter|consultez|consulter|il est important)\b
^(?:renseignez|demandez|adressez|merci de|appelez)\b|\ble mieux est\b
\b(?:pourra|pourront|peut) (?:peut-être )?(?:vous )?(?:renseigner|aider)\b
""",
    "es": r"""
\b(?:recomiendo|sugiero|aconsejo|cons[uú]lt\w*|contacte|contactar|póngase en contacto|es importante)\b
^(?:pregunt\w*|llam[ae]\w*|pued\w+ (?:preguntar|consultar|llamar))\b|\blo mejor es\b
""",
    "pt": r"""
\b(?:recomendo|sugiro|consulte|consultar|entre em contato|é importante)\b|^pergunte\b
""",
    "it": r"""
\b(?:consiglio|suggerisco|consulti|consultare|contatti|contattare|è importante)\b|^(?:chieda|chiedi)\b
""",
    "nl": r"""
\b(?:raad|adviseer|raadpleeg|neem contact|het is belangrijk)\b|^vraag\b
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
^(?:absolutely|okay|ok|great|yes|no|hi|explanation)\b\W*$
^(?:thank you|thanks|you're welcome|(?:great|good) question|hello|dear|sure|certainly|of course)\b[^.]{0,60}$
^(?:i'm |i am )?(?:so |very |really )?(?:sorry|glad|happy)\b(?! to (?:say|inform|tell))
^(?:(?:i |we )?apologi[sz]e|my apologies)\b
\b(?:let me know|feel free|don't hesitate|do not hesitate|hope (?:this|that|it) helps?|happy to help)\b
\bi(?:'m| am) (?:just |only )?an? (?:ai|assistant|language model|chatbot)\b
^(?:here (?:is|are|'s)|below (?:is|are))\b[^.]{0,60}$
""",
    "de": r"""
^(?:hallo|guten (?:tag|morgen|abend)|gerne?|natürlich|danke|vielen dank|ja|nein|sicher)\b\W*(?:\w+\W*){0,4}$
\b(?:tut mir leid|entschuldigung|entschuldigen sie|melden sie sich|stehe ich|hoffe,? (?:das|dies))\b
""",
    "fr": r"""
^(?:bonjour|bonsoir|merci|bien sûr|certainement|d'accord|oui|non)\b\W*(?:\w+\W*){0,4}$
\b(?:désolée?|n'hésitez pas|j'espère que)\b
""",
    "es": r"""
^(?:hola|buenos días|buenas|gracias|claro|por supuesto|desde luego|sí|no)\b\W*(?:\w+\W*){0,4}$
\b(?:lo siento|lamento|no dudes? en|espero que (?:esto|le|te))\b
""",
    "pt": r"""
^(?:olá|oi|bom dia|obrigad[oa]|claro|certamente|sim|não)\b\W*(?:\w+\W*){0,4}$
\b(?:desculpe|lamento|não hesite|espero que (?:isso|isto))\b
""",
    "it": r"""
^(?:ciao|buongiorno|salve|grazie|certo|certamente|sì|no)\b\W*(?:\w+\W*){0,4}$
\b(?:mi dispiace|non esitare|non esiti|spero che (?:questo|sia))\b
""",
    "nl": r"""
^(?:hallo|goedendag|dank|bedankt|natuurlijk|zeker|ja|nee)\b\W*(?:\w+\W*){0,4}$
\b(?:het spijt me|aarzel niet|ik hoop dat)\b
""",
    "ja": r"""
^(?:こんにちは|はい|いいえ|かしこまりました|承知|ありがとう|もちろん)[^。]{0,12}[。！]?$
(?:申し訳|すみません|ごめんなさい)[^。]{0,12}[。！]?$|お役に立てれば|お気軽に|ご質問があれば
""",
    "zh": r"""
^(?:你好|您好|好的|当然|是的|谢谢|不客气)[^。]{0,8}[。！]?$|希望(?:这|对您)|如果您有(?:任何|其他)|请随时
^(?:抱歉|对不起|對不起)[^。]{0,4}[。！]?$
""",
    "ko": r"""
^(?:안녕하세요|네|예|아니요|감사합니다|물론입니다)[.!]?$|^죄송합니다[.!]?$|도움이 되(?:었|길)|언제든지
""",
}
