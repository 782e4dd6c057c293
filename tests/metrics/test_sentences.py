"""The role of each sentence of an answer, and the offsets that claims are shown by."""

from __future__ import annotations

import pytest

from harness.metrics.phrasebook import languages
from harness.metrics.sentences import Role, read_sentences

# Per language: yes and no alone, and a fact behind each.
YES_NO = {
    "ar": ("نعم.", "لا.", "نعم، الإرجاع مجاني.", "لا، السعر خمسة يورو."),
    "bn": ("হ্যাঁ।", "না।", "হ্যাঁ, ফেরত বিনামূল্যে।", "না, দাম পাঁচ ইউরো।"),
    "de": ("Ja, natürlich.", "Nein.", "Ja, kostenlos.", "Nein, das kostet 5 Euro."),
    "en": ("Yes.", "No!", "Yes, it is free.", "No, it costs 5 euros."),
    "es": ("Sí, claro.", "No.", "Sí, es gratis.", "No es gratis."),
    "fa": ("بله.", "خیر.", "بله، رایگان است.", "خیر، پنج یورو است."),
    "fi": ("Kyllä.", "Ei.", "Kyllä, palautus on maksuton.", "Ei ole maksuton."),
    "fr": ("Oui, bien sûr.", "Non.", "Oui, c'est gratuit.", "Non, cela coûte 5 euros."),
    "hi": ("हाँ।", "नहीं।", "हाँ, यह मुफ़्त है।", "नहीं, दाम पाँच यूरो है।"),
    "id": ("Ya.", "Tidak.", "Ya, gratis.", "Tidak, harganya 5 euro."),
    "it": ("Sì, certo.", "No.", "Sì, è gratis.", "No, costa 5 euro."),
    "ja": ("はい、もちろんです。", "いいえ。", "はい、無料です。", "いいえ、有料です。"),
    "ko": ("네.", "아니요.", "네, 무료입니다.", "아니요, 유료입니다."),
    "nl": ("Ja, zeker.", "Nee.", "Ja, gratis.", "Nee, het kost 5 euro."),
    "pl": ("Tak, oczywiście.", "Nie.", "Tak, jest bezpłatny.", "Nie jest bezpłatny."),
    "pt": ("Sim, claro.", "Não.", "Sim, é grátis.", "Não é grátis."),
    "ru": ("Да, конечно.", "Нет.", "Да, бесплатно.", "Нет, он стоит 5 евро."),
    "sv": ("Ja.", "Nej.", "Ja, gratis.", "Nej, det kostar 5 euro."),
    "sw": ("Ndiyo.", "Hapana.", "Ndiyo, ni bure.", "Hapana, bei ni yuro tano."),
    "te": ("అవును.", "కాదు.", "అవును, ఇది ఉచితం.", "కాదు, ధర ఐదు యూరోలు."),
    "th": ("ใช่ค่ะ", "ไม่ใช่", "ใช่ คืนสินค้าได้ฟรี", "ไม่ใช่ ราคาห้ายูโร"),
    "tr": ("Evet.", "Hayır.", "Evet, ücretsizdir.", "Hayır, fiyatı 5 avro."),
    "yo": ("Bẹ́ẹ̀ni.", "Rárá.", "Bẹ́ẹ̀ni, ọ̀fẹ́ ni.", "Rárá, owó rẹ̀ jẹ́ yúrò márùn-ún."),
    "zh": ("是的。", "不是。", "是的，免费。", "不是，五欧元。"),
}


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("Returns are free within 30 days.", "claim"),
        ("Die Rücksendung ist kostenlos.", "claim"),
        ("返品は無料です。", "claim"),
        ("Paris", "claim"),
        ("I recommend the blue one.", "advice"),
        ("I cannot help with that.", "decline"),
        ("I don't know.", "lack"),
        ("Which one do you mean?", "ask"),
        ("Could you tell me your order number?", "ask_more"),
        ("Is there anything else?", "offer"),
        ("Why does it matter?", "aside"),
        ("Hello!", "aside"),
        ("Here are the steps:", "aside"),
        ("**Steps:**", "aside"),
        ("# Returns", "aside"),
        ("---", "aside"),
    ],
)
def test_role(text: str, role: Role) -> None:
    """Each sentence has the one role that its words and its form show."""
    (sentence,) = read_sentences(text)
    assert sentence.role == role


@pytest.mark.parametrize("language", sorted(languages()))
def test_yes_and_no_are_asides_only_alone(language: str) -> None:
    """A fact behind a yes or a no, and what is denied with the word for no, is claimed."""
    found = [[one.role for one in read_sentences(text)] for text in YES_NO[language]]
    assert found == [["aside"], ["aside"], ["claim"], ["claim"]]


@pytest.mark.parametrize(
    "text",
    [
        "Of course, returns are free.",
        "Sure, for 5 euros.",
        "Natürlich, für 5 Euro.",
        "Claro, son 5 euros.",
        "Certo, costa 5 euro.",
        "Конечно, бесплатно.",
    ],
)
def test_an_assurance_before_a_fact_hides_it_as_little(text: str) -> None:
    """Neither does "of course"."""
    assert [one.role for one in read_sentences(text)] == ["claim"]


def test_offsets_leave_out_the_mark_of_a_list_item() -> None:
    """The number or bullet of an item is not part of what it says."""
    text = "1. Open the lid.\n- Press **start**.\n(3) Wait."
    found = [text[sentence.start : sentence.end] for sentence in read_sentences(text)]
    assert found == ["Open the lid.", "Press **start**.", "Wait."]


def test_no_text_has_no_sentences() -> None:
    """Nothing and white space hold no sentence."""
    assert read_sentences("") == read_sentences(" \n\t") == []


def test_typographic_apostrophes_and_markup_do_not_hide_a_role() -> None:
    """Curly quotes, emphasis and full-width letters are read like plain ones."""
    assert read_sentences("I **don’t** know.")[0].role == "lack"
    assert read_sentences("Ｉ ｃａｎｎｏｔ help with that.")[0].role == "decline"
