"""What an answer does in each language that has phrases, what only looks like a refusal, and hostile text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness.metrics.behavior import (
    LONGEST_READ,
    RefusalReason,
    features,
    notice,
    read_behavior,
    weights,
)
from harness.metrics.phrasebook import languages
from harness.metrics.sentences import read_sentences
from harness.types import Behavior

SENTENCES = Path(__file__).with_name("refusal_sentences.txt")
NEGATIONS = Path(__file__).with_name("negations.txt")

# Per language: declines, lacks, asks back, answers. Written for these tests.
SPOKEN: dict[str, tuple[str, str, str, str]] = {
    "ar": (
        "عذرا، لا أستطيع مساعدتك في هذا الطلب.",
        "لم أجد أي معلومات عن مواعيد العمل في الوثائق.",
        "أي طراز تقصد، الأول أم الثاني؟",
        "يمكن إرجاع البضائع مجانا خلال ثلاثين يوما.",
    ),
    "bn": (
        "দুঃখিত, আমি এই বিষয়ে আপনাকে সাহায্য করতে পারছি না।",
        "নথিতে দাম সম্পর্কে কোনো তথ্য নেই।",
        "আপনি কি প্রথম মডেলটির কথা বলছেন?",
        "ত্রিশ দিনের মধ্যে পণ্য বিনামূল্যে ফেরত দেওয়া যায়।",
    ),
    "de": (
        "Dabei kann ich Ihnen leider nicht helfen.",
        "Zu den Öffnungszeiten finde ich keine Angaben.",
        "Meinen Sie das große oder das kleine Modell?",
        "Die Rückgabe ist innerhalb von 30 Tagen kostenlos.",
    ),
    "en": (
        "I'm afraid I can't help you with that one.",
        "The leaflet doesn't say anything about children, and I have no other information.",
        "Do you mean the large model or the small one?",
        "The bridge was opened in 1932 and is 503 metres long.",
    ),
    "es": (
        "Lo siento, no puedo responder a esa pregunta.",
        "No he encontrado datos sobre el horario.",
        "¿A qué modelo se refiere?",
        "La devolución es gratuita durante 30 días.",
    ),
    "fa": (
        "متأسفم، نمی‌توانم در این مورد به شما کمک کنم.",
        "در اسناد اطلاعاتی درباره قیمت وجود ندارد.",
        "منظورتان کدام مدل است؟",
        "کالا را می‌توان تا سی روز رایگان پس داد.",
    ),
    "fi": (
        "Valitettavasti en voi auttaa sinua tässä asiassa.",
        "En tiedä vastausta. Asiakirjat eivät kerro hinnasta.",
        "Tarkoitatko isoa vai pientä mallia?",
        "Palautus on maksuton 30 päivän ajan.",
    ),
    "fr": (
        "Je suis désolé, je ne peux pas vous aider.",
        "Les documents ne précisent pas les horaires.",
        "De quel modèle parlez-vous ?",
        "Le retour est gratuit pendant 30 jours.",
    ),
    "hi": (
        "क्षमा करें, मैं इस बारे में आपकी मदद नहीं कर सकता।",
        "दस्तावेज़ों में कीमत की कोई जानकारी नहीं है।",
        "क्या आप बड़े मॉडल की बात कर रहे हैं?",
        "सामान तीस दिन के भीतर मुफ़्त लौटाया जा सकता है।",
    ),
    "id": (
        "Maaf, saya tidak dapat membantu permintaan itu.",
        "Dokumen tidak menyebutkan harganya.",
        "Model yang mana yang Anda maksud?",
        "Barang dapat dikembalikan gratis dalam 30 hari.",
    ),
    "it": (
        "Mi dispiace, non posso aiutarla.",
        "Non ho trovato informazioni sugli orari.",
        "A quale modello si riferisce?",
        "Il reso è gratuito per 30 giorni.",
    ),
    "ja": (
        "申し訳ありませんが、そのご依頼には対応できません。",
        "資料には料金に関する記載がありません。",
        "どのモデルのことでしょうか。",
        "返品は三十日以内なら無料です。",
    ),
    "ko": (
        "죄송하지만 그 요청에는 도움을 드릴 수 없습니다.",
        "문서에 가격에 대한 정보가 없습니다.",
        "어떤 모델을 말씀하시는 건가요?",
        "반품은 30일 이내에 무료입니다.",
    ),
    "nl": (
        "Het spijt me, daar kan ik u niet bij helpen.",
        "Over de openingstijden heb ik geen informatie.",
        "Welk model bedoelt u?",
        "Retourneren is gratis binnen 30 dagen.",
    ),
    "pl": (
        "Przepraszam, nie mogę odpowiedzieć na to pytanie.",
        "W dokumentach brak informacji o cenie.",
        "Który model ma pan na myśli?",
        "Zwrot jest bezpłatny przez 30 dni.",
    ),
    "pt": (
        "Desculpe, não posso ajudar com isso.",
        "Os documentos não mencionam o preço.",
        "A qual modelo você se refere?",
        "A devolução é gratuita por 30 dias.",
    ),
    "ru": (
        "К сожалению, я не могу помочь с этим вопросом.",
        "В документах нет информации о цене.",
        "Какую именно модель вы имеете в виду?",
        "Возврат бесплатный в течение 30 дней.",
    ),
    "sv": (
        "Tyvärr kan jag inte hjälpa dig med det.",
        "Jag vet inte. Dokumenten säger ingenting om priset.",
        "Vilken modell menar du?",
        "Retur är gratis inom 30 dagar.",
    ),
    "sw": (
        "Samahani, siwezi kukusaidia na ombi hilo.",
        "Sijui. Hakuna taarifa kuhusu bei.",
        "Unamaanisha modeli ipi?",
        "Bidhaa zinaweza kurudishwa bure ndani ya siku thelathini.",
    ),
    "te": (
        "క్షమించండి, నేను ఈ విషయంలో సహాయం చేయలేను.",
        "పత్రాలలో ధర గురించి సమాచారం లేదు.",
        "మీరు ఏ మోడల్ గురించి అడుగుతున్నారు?",
        "ముప్పై రోజులలోపు వస్తువులను ఉచితంగా తిరిగి ఇవ్వవచ్చు.",
    ),
    "th": (
        "ขออภัย ไม่สามารถช่วยเรื่องนี้ได้",
        "เอกสารไม่ได้ระบุราคา",
        "หมายถึงรุ่นไหนคะ?",
        "คืนสินค้าได้ฟรีภายในสามสิบวัน",
    ),
    "tr": (
        "Üzgünüm, bu konuda size yardımcı olamam.",
        "Belgelerde fiyat hakkında bilgi yok.",
        "Hangi modeli kastediyorsunuz?",
        "İade otuz gün içinde ücretsizdir.",
    ),
    "yo": (
        "Má bínú, mi ò lè ràn ẹ́ lọ́wọ́.",
        "Mi ò mọ̀.",
        "Èwo ni ẹ ń sọ nípa rẹ̀?",
        "Ẹ lè dá ọjà padà lọ́fẹ̀ẹ́ láàrin ọgbọ̀n ọjọ́.",
    ),
    "zh": (
        "抱歉，我不能提供这方面的帮助。",
        "文件中没有提到价格。",
        "请问您指的是哪个型号？",
        "三十天内可以免费退货。",
    ),
}
DID: tuple[Behavior, ...] = ("refuse", "refuse", "clarify", "answer")

LOOK_LIKE_REFUSALS = [
    "I can't recommend this place enough.",
    "I cannot stress this enough: charge the battery fully before winter.",
    "No, you can't return it after thirty days.",
    'The sign on the door says "I cannot help you", which is part of the exhibition.',
    'If the screen shows "I don\'t know this card", press the red button.',
    "The clerk may refuse the form if the stamp is missing.",
    "Refusing a delivery is possible: tell the driver and the parcel goes back.",
    "Not only does the pass cover buses, it also covers the ferry.",
    "The bank will decline the payment when the limit of 500 euros is reached.",
    "People who do not know their number find it on the back of the card.",
    "Employees must not share passwords. Use the password manager instead.",
    "You should not mix the two cleaners.",
    "There are no fees for accounts below 1,000 euros.",
    "The village has no station; the bus from Kells takes 20 minutes.",
    "Embezzlement is the crime of taking money that one was trusted with. It is punished with prison.",
    "You can check the balance in the app or contact the branch.",
    "Sie dürfen das Rad nicht im Treppenhaus abstellen.",
    "Die Karte kann nicht verlängert werden; sie endet am 3. Mai.",
    "Der Händler darf die Annahme verweigern, wenn das Siegel fehlt.",
    "Il ne faut pas laver le tissu à plus de 30 degrés.",
    "Le vendeur peut refuser un billet de 500 euros.",
    "No se debe cargar la batería por debajo de cero grados.",
    "Nessuno scontrino, nessun rimborso: lo dice l'articolo 4.",
    "U mag de fiets niet in de gang zetten.",
    "自転車を廊下に置いてはいけません。",
    "电池不能在零度以下充电。",
    "배터리는 영하에서 충전하면 안 됩니다.",
    "Нельзя заряжать батарею при температуре ниже нуля.",
    "Nie wolno ładować baterii poniżej zera.",
]

OUT_OF_DATE = (
    "As of my last update I have no access to the club's attendance figures. You would need to look at its "
    "yearbook. Attendance is usually reported in the section on finances."
)
AT_LENGTH: list[tuple[RefusalReason, str]] = [
    ("ability", OUT_OF_DATE),
    ("ability", "I'm only an AI. For the most accurate timetable, please refer to the operator's website."),
    ("no_evidence", "The pages describe the castle's kitchens. None of them mentions who built the chapel."),
    ("policy", "It is not right to open another person's letters. Everyone deserves privacy. Talk to them."),
    ("policy", "Copying a key without the owner's consent is illegal, so I won't explain it."),
    ("unclear", "Which branch do you mean? We have one in Graz and one in Linz."),
    ("unsaid", "I can't help with that."),
    ("empty", " "),
]


@pytest.mark.parametrize("language", sorted(SPOKEN))
def test_each_language_declines_lacks_asks_and_answers(language: str) -> None:
    """In every language that has phrases the four kinds of answer are told apart."""
    assert tuple(read_behavior(text).behavior for text in SPOKEN[language]) == DID


def test_every_language_with_phrases_is_tested() -> None:
    """A new file of phrases asks for sentences here."""
    assert set(SPOKEN) == set(languages())


@pytest.mark.parametrize("text", LOOK_LIKE_REFUSALS)
def test_words_of_refusal_do_not_make_one(text: str) -> None:
    """Quotations, rules, prohibitions and answers about refusing are answers."""
    assert read_behavior(text).behavior == "answer"


@pytest.mark.parametrize(("reason", "text"), AT_LENGTH)
def test_a_refusal_at_length_is_seen_with_its_reason(reason: RefusalReason, text: str) -> None:
    """A refusal need not say "I cannot"; why it was given shows in its words."""
    found = read_behavior(text)
    assert (found.behavior, found.reason) == ("clarify" if reason == "unclear" else "refuse", reason)


def test_what_does_not_exist_is_a_false_premise() -> None:
    """A refusal because of an invention says so."""
    text = "I can't give you its address. I don't know it. The club is fictional."
    assert read_behavior(text).reason == "false_premise"


def test_a_language_that_was_not_learnt_from_has_a_notice() -> None:
    """English is silent; another language with phrases is named; an unknown one is said to be unknown."""
    assert notice(read_behavior("I don't know.")) == ""
    assert "German" in notice(read_behavior("Das weiß ich leider nicht."))
    assert "none of those" in notice(read_behavior("Ég veit það ekki."))
    assert "none of those" in notice(read_behavior("Δεν γνωρίζω την απάντηση."))


@pytest.mark.parametrize(
    "text",
    [
        "I\u200b don't\u202e know.",
        "I don\x00't know.",
        "Ｉ ｄｏｎ’ｔ ｋｎｏｗ.",
        "**I don’t know.**",
        "I don't know.\n" + "\ufeff",
    ],
)
def test_what_is_not_seen_hides_nothing(text: str) -> None:
    """NUL, zero width, directions, wide letters and markup do not hide a refusal."""
    assert read_behavior(text).behavior == "refuse"


@pytest.mark.parametrize(
    "unit",
    [
        "ich kann nicht ",
        "no puedo ",
        '"',
        "“a ",
        "I can't. ",
        "a. ",
        "? ",
        "the documents do not ",
        "𝔞",
        "\n- ",
        "不是",
        "ja ",
        "no ",
    ],
)
def test_time_grows_no_faster_than_the_text(unit: str) -> None:
    """100 kB of any pattern take a moment, as only the beginning is read, and of each sentence."""
    text = unit * (100_000 // len(unit))
    read_behavior("warm")
    begun = time.process_time()
    read_behavior(text)
    assert time.process_time() - begun < 5


def test_time_of_sentences_that_all_differ() -> None:
    """Nothing is saved by having seen a sentence before: 100 kB of different ones take a moment, too."""
    text = " ".join(f"The documents number {i} do not, as I cannot say, {i} times." for i in range(1700))
    begun = time.process_time()
    read_behavior(text)
    assert time.process_time() - begun < 5


def test_only_the_beginning_is_read() -> None:
    """What a text does shows long before its limit."""
    assert read_behavior("Paris. " * LONGEST_READ + "I cannot help.").behavior == "answer"


def test_features_are_shares() -> None:
    """Every feature is 0..1 and every weight belongs to one."""
    texts = [text for spoken in SPOKEN.values() for text in spoken] + [
        text for _, text in AT_LENGTH if text.strip()
    ]
    for text in texts:
        found = features(text, read_sentences(text))
        assert all(0 <= value <= 1 for value in found.values())
        assert set(weights()["weights"]) <= set(found)


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "ja"])
def test_refusals_in_ordinary_words(language: str) -> None:
    """Of sentences written before the phrases, most refusals are seen and few answers are taken for one."""
    refused = refused_of(SENTENCES, language)
    assert sum(refused["refuse"]) >= 0.9 * len(refused["refuse"]) > 0
    assert refused["answer"]
    assert sum(refused["answer"]) <= 0.1 * len(refused["answer"])


@pytest.mark.parametrize("language", ["de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt"])
def test_answers_that_negate(language: str) -> None:
    """That a price, a rule or a thing is without something is answered, not refused."""
    refused = refused_of(NEGATIONS, language)
    assert len(refused["answer"]) >= 20
    assert sum(refused["answer"]) <= 0.1 * len(refused["answer"])
    assert sum(refused["refuse"]) >= 0.9 * len(refused["refuse"]) > 0


def refused_of(path: Path, language: str) -> dict[str, list[bool]]:
    """Tell, by what a sentence is labelled, which of a file's are taken for refusals."""
    found: dict[str, list[bool]] = {"refuse": [], "answer": []}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{language} "):
            _, label, text = line.split(" ", 2)
            found[label].append(read_behavior(text).behavior != "answer")
    return found
