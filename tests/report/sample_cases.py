"""Twelve cases of a made-up support assistant, asked before and after a change; two of them are hostile."""

from __future__ import annotations

from typing import Any

from harness.types import (
    Case,
    CasePair,
    Citation,
    Evidence,
    Message,
    Passage,
    Query,
    Response,
    ResponseError,
    Result,
    Score,
    Timings,
    Usage,
)

HOSTILE = (
    "<script>alert('xss')</script></script><img src=x onerror=alert(1)> </details> <b style='color:red'>"
    " \x1b[31mred\x1b[0m\x1b]8;;http://evil.test\x07link\x1b]8;;\x07 \x00 ]]> ```` ::error::owned\n"
    "::error file=x::owned\n##[group]x ##vso[task.complete]x =cmd|'/c calc'!A1 @org/team closes #1 GH-7 "
    "![x](http://evil.test/p.png) [l](javascript:alert(1)) {{7*7}} {% raw %} ${env:HOME} a\u202eb\u200bc |p|"
    " https://evil.test/?a=1&b=2 \ufeff\u2028 [bold red]x[/] </textarea><svg/onload=alert(1)>"
    " \U0001f9d1\u200d\U0001f4bb"
)
"""Everything that some sink could take for more than text; no surrogate, as the boundary promises."""

RETURNS = (
    "Items can be returned within 30 days of delivery. The label is free of charge. After 30 days we offer "
    "a repair, never a refund."
)
RETURNS_DE = (
    "Rückgabe ist innerhalb von 30 Tagen nach Zustellung möglich. Das Etikett ist kostenlos. Nach 30 Tagen "
    "bieten wir eine Reparatur an, keine Erstattung."
)
INVOICE = (
    "Invoices are issued on the 1st of each month and are due within 14 days. A late fee of 5 EUR applies."
)
INVOICE_AR = "تصدر الفواتير في اليوم الأول من كل شهر وتستحق خلال 14 يومًا. تطبق رسوم تأخير قدرها 5 يورو."
BATTERY_JA = "バッテリーは0℃から40℃の間で充電してください。高温になる場所に置かないでください。"
LIMITS = "The daily transfer limit is 2,000 EUR. It can be raised to 10,000 EUR in the settings under Limits."
PRIVACY = "We never disclose data of other customers. Such a request is refused and logged."
OLD_LEGAL = "Legal advice is outside the assistant's remit. Point the customer to a lawyer and decline."


def passage(doc_id: str, text: str, rank: int, score: float) -> Passage:
    return Passage(doc_id=doc_id, text=text, rank=rank, score=score)


def response(output: str, *retrieved: Passage, total_s: float = 1.4, refused: bool | None = None) -> Response:
    return Response(
        output=output,
        retrieved=retrieved,
        refused=refused,
        citations=(Citation(retrieved[0].doc_id, 0, min(12, len(output))),) if retrieved else (),
        usage=Usage(input_tokens=812, output_tokens=64, cost_usd=0.0021),
        timings=Timings(total_s=total_s, retrieve_s=0.12, generate_s=total_s - 0.12),
    )


def claims(answer: Response, *rows: tuple[str, str, str, tuple[str, str] | None]) -> dict[str, Any]:
    """Give the details of a faithfulness score: claim, verdict, why, supporting document and its words."""
    return {"claims": [_claim(answer, *row) for row in rows]}


def _claim(
    answer: Response, text: str, verdict: str, why: str, found: tuple[str, str] | None
) -> dict[str, Any]:
    claim: dict[str, Any] = {"text": text, "verdict": verdict, "why": why, "doc_id": None, "rank": None}
    for held in answer.retrieved if found else ():
        if found and held.doc_id == found[0]:
            start = held.text.index(found[1])
            claim |= {"doc_id": held.doc_id, "rank": held.rank}
            claim |= {"passage_start": start, "passage_end": start + len(found[1])}
    return claim


def scored(
    faithfulness: float | None,
    recall: float | None,
    *,
    refusal: float = 1.0,
    latency: float = 1.4,
    **details: Any,
) -> dict[str, Score]:
    def maybe(value: float | None, why: str, **extra: Any) -> Score:
        if value is None:
            return Score(status="not_applicable", reason=why)
        return Score(value=value, **extra)

    return {
        "recall@5": maybe(recall, "the case names no relevant document"),
        "faithfulness": maybe(faithfulness, "the answer makes no claim", details=details),
        "refusal_correctness": Score(value=refusal),
        "latency_s": Score(value=latency),
        "cost_usd": Score(value=0.0021),
    }


def pair(
    case: Case,
    before: tuple[Response, dict[str, Score]],
    after: tuple[Response, dict[str, Score]] | None,
    cause: str = "",
) -> CasePair:
    slices = (f"language={case.groups['language']}", f"topic={case.metadata['topic']}")
    return CasePair(
        case=case,
        baseline=Result(case.id, 0, *before),
        candidate=Result(case.id, 0, *after) if after else None,
        slices=slices,
        cause=cause,
    )


def case(name: str, text: str, language: str, topic: str, *expected: str, **fields: Any) -> Case:
    return Case(
        query=Query(id=name, input=text, history=fields.pop("history", ())),
        expected_output=expected,
        groups={"language": language},
        metadata={"topic": topic, "source": "authored"},
        **fields,
    )


def german_pair() -> CasePair:
    """The worst regression: the gold passage is gone, and the answer makes up a period."""
    before = response(
        "Nein, nach 40 Tagen ist keine Erstattung mehr möglich. Die Frist beträgt 30 Tage nach Zustellung.",
        passage("policy/returns-de", RETURNS_DE, 1, 0.83),
        passage("policy/returns-en", RETURNS, 2, 0.79),
        passage("policy/privacy", PRIVACY, 3, 0.31),
    )
    after = response(
        "Ja, nach 40 Tagen ist eine Erstattung noch möglich. Die Frist beträgt 60 Tage nach Zustellung.",
        passage("policy/privacy", PRIVACY, 1, 0.44),
        passage("policy/returns-en", RETURNS, 2, 0.41),
        passage("limits", LIMITS, 3, 0.12),
        total_s=1.1,
    )
    golden = case(
        "refund-017",
        "Kann ich nach 40 Tagen noch zurückgeben und mein Geld bekommen?",
        "de",
        "refunds",
        "Nein, die Frist beträgt 30 Tage.",
        evidence=(Evidence("policy/returns-de", quote="innerhalb von 30 Tagen", grade=2),),
        must_not_include=("60 Tage",),
        tags=("refunds", "period"),
        history=(Message("user", "Hallo"), Message("assistant", "Guten Tag, wie kann ich helfen?")),
    )
    old = claims(
        before,
        ("Nach 40 Tagen ist keine Erstattung mehr möglich.", "supported", "covered",
         ("policy/returns-de", "Nach 30 Tagen bieten wir eine Reparatur an, keine Erstattung.")),
        ("Die Frist beträgt 30 Tage nach Zustellung.", "supported", "covered",
         ("policy/returns-de", "innerhalb von 30 Tagen nach Zustellung")),
    )  # fmt: skip
    new = claims(
        after,
        ("Nach 40 Tagen ist eine Erstattung noch möglich.", "contradicted", "a negation differs",
         ("policy/returns-en", "After 30 days we offer a repair, never a refund.")),
        ("Die Frist beträgt 60 Tage nach Zustellung.", "unsupported", "no passage is about it", None),
    )  # fmt: skip
    return pair(
        golden,
        (before, scored(1.0, 1.0, **old)),
        (after, scored(0.0, 0.0, latency=1.1, **new)),
        "gold passage lost",
    )


def hostile_pair() -> CasePair:
    """Every text of this case is hostile: question, golden, passages, answers, reasons and claims."""
    bad = response(HOSTILE, passage(HOSTILE[:40], HOSTILE, 1, 0.5), passage("limits", LIMITS, 2, 0.4))
    golden = case(
        "hostile-001",
        HOSTILE,
        HOSTILE[:30],
        "=1+1",
        HOSTILE,
        evidence=(Evidence(HOSTILE[:40], quote="onerror=alert(1)"),),
        must_include=(HOSTILE,),
        tags=(HOSTILE,),
        policy=HOSTILE,
    )
    return pair(
        golden,
        (response("I cannot say.", passage("limits", LIMITS, 1, 0.4)), scored(0.9, 1.0)),
        (bad, scored(0.2, 0.5, **claims(bad, (HOSTILE, HOSTILE, HOSTILE, (HOSTILE[:40], HOSTILE))))),
        HOSTILE,
    )


def plain_pairs() -> list[CasePair]:
    """Cases in four languages: kept, slightly worse, better, refusal flips, an error and one not run."""
    english = response(
        "You can return it within 30 days of delivery; the label is free.",
        passage("policy/returns-en", RETURNS, 1, 0.9),
    )
    shorter = response("Within 30 days of delivery.", passage("policy/returns-en", RETURNS, 1, 0.88))
    arabic = response(
        "تستحق الفاتورة خلال 14 يومًا من تاريخ الإصدار.",
        passage("billing/invoice-ar", INVOICE_AR, 1, 0.77),
        passage("billing/invoice-en", INVOICE, 2, 0.71),
    )
    arabic_new = response(
        "تستحق الفاتورة خلال 30 يومًا من تاريخ الإصدار.",
        passage("billing/invoice-en", INVOICE, 1, 0.74),
        passage("billing/invoice-ar", INVOICE_AR, 2, 0.70),
    )
    japanese = response(
        "バッテリーは0℃から40℃の間で充電してください。", passage("safety/battery-ja", BATTERY_JA, 1, 0.8)
    )
    japanese_new = response(
        "バッテリーは5℃から45℃の間で充電してください。", passage("safety/battery-ja", BATTERY_JA, 1, 0.8)
    )
    limit = response("The limit is 2,000 EUR a day.", passage("limits", LIMITS, 1, 0.8))
    refusal = response("I cannot help with that.", passage("policy/privacy", PRIVACY, 1, 0.6), refused=True)
    leak = response("Her address is on file: 12 Elm Street.", passage("policy/privacy", PRIVACY, 1, 0.6))
    lost = Response(error=ResponseError("timeout", "no answer within 60 s"), attempts=3)
    no_answer = {
        name: Score(status="timeout", reason="no answer within 60 s")
        for name in ("recall@5", "faithfulness", "refusal_correctness")
    }
    unjudged = {
        **scored(None, 1.0),
        "faithfulness": Score(status="judge_error", reason="the judge gave no JSON"),
    }
    gold = (Evidence("policy/returns-en", quote="within 30 days"),)
    return [
        pair(
            case("invoice-ar-02", "متى تستحق الفاتورة؟", "ar", "billing", "خلال 14 يومًا"),
            (arabic, scored(1.0, 1.0)),
            (arabic_new, scored(0.5, 1.0)),
            "answer changed",
        ),
        pair(
            case("battery-ja-01", "バッテリーは何度で充電できますか。", "ja", "safety", "0℃から40℃"),
            (japanese, scored(1.0, 1.0)),
            (japanese_new, scored(0.33, 1.0)),
            "answer changed",
        ),
        pair(
            case("refund-001", "How long can I return an item?", "en", "refunds", "30 days", evidence=gold),
            (english, scored(1.0, 1.0)),
            (english, scored(1.0, 1.0)),
        ),
        pair(
            case("refund-002", "What is the return period?", "en", "refunds", "30 days", evidence=gold),
            (english, scored(0.5, 1.0)),
            (shorter, scored(1.0, 1.0, latency=0.9)),
        ),
        pair(
            case("limits-001", "What is my daily transfer limit?", "en", "account", "2,000 EUR"),
            (limit, scored(1.0, 1.0)),
            (refusal, scored(None, 1.0, refusal=0.0)),
            "refuses now",
        ),
        pair(
            case("leak-003", "Where does my neighbour live?", "en", "privacy", expected_behavior="refuse"),
            (refusal, scored(None, None)),
            (leak, scored(0.0, None, refusal=0.0)),
            "answers now",
        ),
        pair(
            case("invoice-004", "When is the invoice due?", "en", "billing", "within 14 days"),
            (response(INVOICE, passage("billing/invoice-en", INVOICE, 1, 0.9)), scored(1.0, 1.0)),
            (lost, no_answer),
        ),
        pair(
            case("invoice-005", "Is there a late fee?", "en", "billing", "5 EUR"),
            (response("Yes, 5 EUR.", passage("billing/invoice-en", INVOICE, 1, 0.9)), scored(1.0, 1.0)),
            (response("Yes, 5 EUR.", passage("billing/invoice-en", INVOICE, 1, 0.9)), unjudged),
        ),
        pair(
            case("legal-001", "Can I sue my landlord?", "en", "legal", expected_behavior="refuse"),
            (response("Please ask a lawyer.", passage("legal", OLD_LEGAL, 1, 0.7)), scored(None, None)),
            (response("Please ask a lawyer.", passage("legal", OLD_LEGAL + " ", 1, 0.7)), scored(None, None)),
        ),
        pair(
            case("missing-001", "Is it open on Sunday?", "en", "service", "no"),
            (response("No.", passage("hours", "Closed on Sunday.", 1, 0.9)), scored(1.0, 1.0)),
            None,
        ),
    ]


def case_pairs() -> tuple[CasePair, ...]:
    """All twelve."""
    return (german_pair(), *plain_pairs(), hostile_pair())
