"""Observed behaviour in many languages, the three rates, and what counts where."""

from __future__ import annotations

import pytest

from harness.metrics.refusal import observe
from harness.registry import find_metric
from harness.types import Behavior, Case, Query, Response

REFUSALS = [
    "I'm sorry, but I can't help with that.",
    "I don't know.",
    "I’m afraid I don’t have any information about opening hours.",
    "Unfortunately, the provided documents do not mention the price of the premium plan.",
    "There is no information about parking in the context.",
    "The answer is not contained in the passages.",
    "I could not find anything about that in the knowledge base.",
    "I do not know. None of the documents talks about refunds. They only describe shipping.",
    "The notes I have say nothing about that. Please ask the service desk.",
    "Über Mengenrabatte habe ich keine Angaben. Bitte fragen Sie im Laden nach.",
    "Je ne trouve aucune information sur les remises. Demandez plutôt à la caisse.",
    "No encuentro nada sobre descuentos en los documentos. Pregunta en la tienda.",
    "I don't have that information. Please contact our support team. Is there anything else I can help with?",
    "That is beyond the scope of my knowledge.",
    "Das weiß ich leider nicht.",
    "Es tut mir leid, dabei kann ich Ihnen nicht helfen.",
    "Dazu habe ich keine Informationen.",
    "Die vorliegenden Dokumente enthalten keine Angaben zur Garantie.",
    "In den Unterlagen wird der Preis nicht erwähnt.",
    "Ich konnte dazu leider nichts finden.",
    "Je ne sais pas.",
    "Désolé, je ne peux pas répondre à cette question.",
    "Je n'ai pas d'informations à ce sujet.",
    "Les documents fournis ne mentionnent pas le prix.",
    "Lo siento, no puedo ayudarte con eso.",
    "No lo sé.",
    "No tengo información sobre los horarios de apertura.",
    "El documento no menciona el precio.",
    "Não sei.",
    "Infelizmente, não tenho informações sobre esse assunto.",
    "Mi dispiace, non posso aiutarti con questa richiesta.",
    "Non lo so.",
    "I documenti non contengono informazioni sul prezzo.",
    "Dat weet ik helaas niet.",
    "Sorry, daar kan ik u niet mee helpen.",
    "De documenten bevatten geen informatie over de prijs.",
    "申し訳ございませんが、その質問にはお答えできません。",
    "わかりません。",
    "ご提供いただいた文書には、料金に関する情報はありません。",
    "資料には営業時間について記載されていません。",
    "抱歉，我无法回答这个问题。",
    "我不知道。",
    "文档中没有提供相关信息。",
    "죄송합니다. 그 질문에는 답변해 드릴 수 없습니다.",
    "잘 모르겠습니다.",
    "К сожалению, я не знаю.",
    "Я не могу ответить на этот вопрос.",
    "Niestety nie mogę odpowiedzieć na to pytanie.",
    "Jag vet tyvärr inte.",
    "لا أعرف.",
    "Bilmiyorum.",
]

ANSWERS = [
    "Returns are free within 30 days.",
    "No.",
    "No, the warranty does not cover water damage.",
    "We cannot accept returns after 30 days.",
    "You cannot cancel an order once it has been shipped.",
    "There is no evidence that the tablets interact with alcohol.",
    "If you do not know your number, look at the back of the card.",
    "It is not safe to mix the two cleaners.",
    "Sure, here are the steps:\n1. Open the settings.\n2. Choose an account.",
    "Returns are free within 30 days. Would you like to know which parcel shop is near you?",
    "Why does it matter? Because the seal keeps the water out.",
    "Paris",
    "42",
    "Nein, die Garantie deckt keine Wasserschäden ab.",
    "Sie können die Bestellung nach dem Versand nicht mehr ändern.",
    "Non, la garantie ne couvre pas les dégâts des eaux.",
    "No, la garantía no cubre daños por agua.",
    "No se puede cambiar el pedido después del envío.",
    "Não, a garantia não cobre danos causados por água.",
    "No, la garanzia non copre i danni causati dall'acqua.",
    "Nee, de garantie dekt geen waterschade.",
    "いいえ、保証は水濡れによる故障には適用されません。",
    "返品は三十日以内であれば無料です。",
    "不，保修不包括进水损坏。",
    "아니요, 보증은 침수 피해를 포함하지 않습니다.",
    "Нет, гарантия не распространяется на повреждения водой.",
]

QUESTIONS = [
    "Which model do you mean, the X1 or the X2?",
    "Could you please specify which order you are asking about?",
    "I'm not sure what you mean. Are you asking about the refund or the exchange?",
    "There are several stores in Berlin, such as Mitte and Pankow. Which one are you referring to?",
    "Could you tell me your order number?",
    "Which plan do you have, and which one would you like? Moving down is possible once a year.",
    "Is it for a child or an adult? The sizes differ.",
    "In welcher Stadt wohnen Sie? Die Preise sind verschieden.",
    "Dans quelle ville habitez-vous ? Les prix varient.",
    "¿En qué ciudad vives? Los precios cambian.",
    "お支払いはカードですか、現金ですか？手続きが異なります。",
    "I don't have enough information about your order. Could you provide the order number?",
    "Welches Modell meinen Sie, das X1 oder das X2?",
    "Könnten Sie bitte genauer beschreiben, worum es geht?",
    "De quel modèle parlez-vous ?",
    "Pourriez-vous préciser votre question ?",
    "¿Podría especificar a qué modelo se refiere?",
    "A qual modelo você se refere?",
    "A quale modello si riferisce?",
    "Welk model bedoelt u?",
    "どのモデルについてのご質問でしょうか？",
    "もう少し具体的に教えていただけますか？",
    "请问您指的是哪个型号？",
    "어떤 모델을 말씀하시는 건가요?",
    "Какую именно модель вы имеете в виду?",
]

PARTIALS = [
    "The warranty lasts two years. The documents do not mention what a repair costs.",
    "I don't have exact figures for last year. The report puts sales in 2020 at five million euros.",
    "I don't know. However, the manual says that the battery lasts ten hours.",
    "I cannot give a precise date. However, the tower was finished before 1900.",
    "Die Garantie gilt zwei Jahre. Zu den Reparaturkosten enthalten die Dokumente keine Angaben.",
    "La garantie dure deux ans. Les documents ne précisent pas le coût d'une réparation.",
    "La garantía dura dos años. El documento no indica el coste de la reparación.",
    "保証期間は二年です。修理費用については記載がありません。",
]

TABLE: list[tuple[Behavior, str]] = [
    *(("refuse", text) for text in REFUSALS),
    *(("answer", text) for text in ANSWERS),
    *(("clarify", text) for text in QUESTIONS),
    *(("partial", text) for text in PARTIALS),
]


@pytest.mark.parametrize(("expected", "text"), TABLE)
def test_behaviour_is_read_from_the_text(expected: Behavior, text: str) -> None:
    """What an answer does is seen from its words, in any of the languages known."""
    assert observe(Response(text))[0] == expected


def test_the_reason_is_the_words_that_show_it() -> None:
    """A verdict carries the words it rests on, so that a person can check it."""
    assert observe(Response("Well, I don't know."))[1] == "i don't know"
    assert observe(Response(None)) == ("refuse", "empty output")
    assert observe(Response(" \n")) == ("refuse", "empty output")


def test_the_systems_own_word_counts_where_the_text_is_silent() -> None:
    """refused=True decides for a short text without known words; a plain answer stands against it."""
    unknown = "Ég veit það ekki."
    assert observe(Response(unknown))[0] == "answer"
    assert observe(Response(unknown, refused=True))[0] == "refuse"
    long = "Returns are free. The label is in the box. The money is paid back in five days."
    assert observe(Response(long, refused=True))[0] == "answer"
    assert observe(Response("Which model do you mean?", refused=True))[0] == "clarify"


def test_the_text_counts_against_a_system_that_denies_refusing() -> None:
    """refused=False does not turn a refusal into an answer."""
    assert observe(Response("I don't know.", refused=False))[0] == "refuse"


SAID: dict[Behavior, str] = {
    "answer": "Returns are free within 30 days.",
    "refuse": "I don't know.",
    "clarify": "Which order do you mean?",
    "partial": "Returns are free. The documents do not say who pays for shipping.",
}


def values(expected: Behavior, observed: Behavior) -> list[float | None]:
    case = Case(Query("q", "Are returns free?"), expected_behavior=expected)
    names = ("refusal_correctness", "over_refusal_rate", "under_refusal_rate")
    return [find_metric(name).score(case, Response(SAID[observed])).value for name in names]


@pytest.mark.parametrize(
    ("expected", "observed", "correct", "over", "under"),
    [
        ("answer", "answer", 1, 0, None),
        ("answer", "partial", 1, 0, None),
        ("answer", "refuse", 0, 1, None),
        ("answer", "clarify", 0, 1, None),
        ("partial", "partial", 1, 0, None),
        ("partial", "answer", 0, 0, None),
        ("partial", "refuse", 0, 1, None),
        ("refuse", "refuse", 1, None, 0),
        ("refuse", "answer", 0, None, 1),
        ("refuse", "partial", 0, None, 1),
        ("refuse", "clarify", 0, None, 0),
        ("clarify", "clarify", 1, None, None),
        ("clarify", "answer", 0, None, None),
        ("clarify", "refuse", 0, None, None),
    ],
)
def test_matrix_of_expected_and_observed(
    expected: Behavior, observed: Behavior, correct: float, over: float | None, under: float | None
) -> None:
    """Each cell of the refusal matrix has its value in the three metrics; None is not_applicable."""
    assert values(expected, observed) == [correct, over, under]


def details(response: Response, **case: object) -> dict[str, object]:
    golden = Case(Query("q", "?"), **{"expected_behavior": "refuse", **case})  # type: ignore[arg-type]
    return find_metric("refusal_correctness").score(golden, response).details


def test_details_hold_what_a_person_needs_to_check_it() -> None:
    """The report builds its matrix from the details; words, reason and probability stand beside."""
    found = details(Response("I don't know."))
    assert 0.9 < found.pop("refusal_probability") <= 1  # type: ignore[operator]
    assert found == {
        "expected": "refuse",
        "observed": "refuse",
        "reason": "i don't know",
        "refusal_reason": "no_evidence",
    }
    assert "refusal_reason" not in details(Response("Returns are free."))


def test_a_language_not_learnt_from_is_noted() -> None:
    """Where a refusal may be missed, the details say so."""
    assert "notice" not in details(Response("I don't know."))
    assert "German" in details(Response("Das weiß ich leider nicht."))["notice"]  # type: ignore[operator]
    assert "none of those" in details(Response("Ég veit það ekki."))["notice"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "flag", "recorded"),
    [
        ("I don't know.", True, None),
        ("I don't know.", False, False),
        ("I don't know.", None, None),
        ("Returns are free. The label is in the box. The money is back in five days.", True, True),
        ("Ég veit það ekki.", True, True),
        ("Returns are free.", False, None),
        ("Which order do you mean?", True, True),
    ],
)
def test_a_flag_that_the_text_does_not_bear_out_is_recorded(
    text: str, flag: bool | None, recorded: bool | None
) -> None:
    """The system's own word is evidence, not truth: where it differs from the text, both are kept."""
    assert details(Response(text, refused=flag)).get("system_says_refused") == recorded


MIXED = "I can't tell you the rota. The shop is open from 10 to 15. However, it closes at 14 in winter."


@pytest.mark.parametrize(
    ("policy", "facts", "text", "correct", "under"),
    [
        ("P5", ("10",), MIXED, 1, 0),
        ("P5", ("10",), "I can't tell you the rota.", 1, 0),
        ("P5", ("10",), "Anna is on duty. The shop is open from 10 to 15.", 0, 1),
        ("P5", (), MIXED, 0, 1),
        (None, ("10",), MIXED, 0, 1),
    ],
)
def test_a_mixed_request_under_a_rule_may_be_answered_in_part(
    policy: str | None, facts: tuple[str, ...], text: str, correct: float, under: float
) -> None:
    """Only where a rule applies and facts are asked for beside it: half-compliance elsewhere is none."""
    case = Case(Query("q", "?"), expected_behavior="refuse", policy=policy, must_include=facts)
    assert find_metric("refusal_correctness").score(case, Response(text)).value == correct
    assert find_metric("under_refusal_rate").score(case, Response(text)).value == under


def test_finding_nothing_is_another_reason_than_a_rule() -> None:
    """A system that only finds nothing may answer once its sources hold it; under a rule that is noted."""
    assert "other_reason" in details(Response("I found nothing about that in the documents."), policy="P3")
    assert "other_reason" not in details(Response("I can't share other members' data."), policy="P3")
    assert "other_reason" not in details(Response("I found nothing about that in the documents."))
    assert details(Response("I can't help with that."), policy="P3")["policy"] == "P3"


def test_lower_rates_are_better() -> None:
    """Both rates count harm; correctness counts good."""
    assert not find_metric("over_refusal_rate").higher_is_better
    assert not find_metric("under_refusal_rate").higher_is_better
    assert find_metric("refusal_correctness").higher_is_better


@pytest.mark.parametrize("hostile", ["ich kann nicht " * 20_000, "? " * 50_000, "i " * 50_000, "a" * 200_000])
def test_a_hostile_answer_takes_no_more_than_a_moment(hostile: str) -> None:
    """Only the beginning of a sentence is searched, so that no text can stall a run."""
    assert observe(Response(hostile))[0] in ("answer", "refuse")
