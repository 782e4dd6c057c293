"""The words with which answers ask back, give advice or are merely polite, by language.

Written and searched like those of ``phrases_refusing``.
"""

from __future__ import annotations

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
\b(?:could|can|would|will|might) you (?:please |kindly )?(?:provide|tell|share|give|let me know|send|confirm)
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
\bplease (?:refer|check|visit|see|note)\b|^if you(?:'re| are| have| need)\b
\byou (?:may|can|could|might|should) (?:\w+ )?(?:want to )?(?:check|contact|try|consult|visit|look|ask)\b
\bit(?:'s| is) (?:\w+ )?(?:important|essential|crucial|best|advisable|recommended|worth)\b
\b(?:<source>|question) (?:\w+ )?(?:<describe>|is\b|are\b|asks?|requires?)
^(?:they|it|instead,? (?:they|it)) (?:\w+ )?(?:<describe>)
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
^(?:absolutely|okay|ok|great|yes|no|hi|explanation)\b\W*$
^(?:thank you|thanks|you're welcome|(?:great|good) question|hello|dear|sure|certainly|of course)\b[^.]{0,60}$
^(?:i'm |i am )?(?:so |very |really )?(?:sorry|glad|happy)\b(?! to (?:say|inform|tell))
^(?:(?:i |we )?apologi[sz]e|my apologies)\b
\b(?:let me know|feel free|don't hesitate|do not hesitate|hope (?:this|that|it) helps?|happy to help)\b
\b(?:would you like|do you want|shall i|can i help|how (?:can|may) i (?:help|assist)|(?:anything|what) else)\b
\bany (?:other|further|more) questions\b
\bi(?:'m| am) (?:just |only )?an? (?:ai|assistant|language model|chatbot)\b
^(?:here (?:is|are|'s)|below (?:is|are))\b[^.]{0,60}$
""",
    "de": r"""
^(?:hallo|guten (?:tag|morgen|abend)|gerne?|natürlich|danke|vielen dank|ja|nein|sicher)\b\W*(?:\w+\W*){0,4}$
\b(?:tut mir leid|entschuldigung|entschuldigen sie|melden sie sich|stehe ich|hoffe,? (?:das|dies))\b
\b(?:haben sie (?:noch|weitere)|möchten sie|soll ich)\b
""",
    "fr": r"""
^(?:bonjour|bonsoir|merci|bien sûr|certainement|d'accord|oui|non)\b\W*(?:\w+\W*){0,4}$
\b(?:désolée?|n'hésitez pas|j'espère que|puis-je|souhaitez-vous|voulez-vous que)\b
""",
    "es": r"""
^(?:hola|buenos días|buenas|gracias|claro|por supuesto|desde luego|sí|no)\b\W*(?:\w+\W*){0,4}$
\b(?:lo siento|lamento|no dudes? en|espero que (?:esto|le|te)|puedo ayudar|(?:le|te) gustaría)\b
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
