"""The packed cases: order, blocks, passages once, and how two rankings are put side by side."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample import sample, sample_alone
from sample_cases import HOSTILE
from saturate import saturate

from harness.report import payload
from harness.report.case_page import MAX_TEXT, align, shown
from harness.types import Passage, Report, Score


def unpacked(block: str) -> Any:
    """Read one block."""
    return json.loads(gzip.decompress(base64.b64decode(block)))


def _index(report: Report) -> Any:
    return unpacked(payload.pack(report).index)


def _details(report: Report) -> dict[str, Any]:
    return {case["id"]: case for block in payload.pack(report).details for case in unpacked(block)}


def _passage(doc_id: str, rank: int, text: str = "") -> Passage:
    return Passage(doc_id=doc_id, text=text or doc_id, rank=rank)


def test_regressions_come_first_then_cases_without_a_score() -> None:
    """The list starts with the worst; what is well follows in the order of the goldens."""
    ids = [row[0] for row in _index(sample())["cases"]]
    regressed = list(dict.fromkeys(change.case_id for change in sample().regressions))
    assert ids[: len(regressed)] == regressed
    assert ids[len(regressed) :] == ["invoice-005", "missing-001", "refund-001", "refund-002", "legal-001"]


def test_flags_say_what_can_be_filtered() -> None:
    """Got worse, has no score, refusal flipped."""
    flags = {row[0]: row[3] for row in _index(sample())["cases"]}
    assert flags["refund-017"] == payload.REGRESSED
    assert flags["invoice-004"] == payload.REGRESSED | payload.UNSCORED_CASE
    assert flags["limits-001"] == payload.REGRESSED | payload.FLIPPED
    assert flags["missing-001"] == payload.UNSCORED_CASE
    assert flags["refund-001"] == 0


def test_direction_follows_the_metric() -> None:
    """A shorter latency is better, a lower faithfulness is worse."""
    scores = {row[0]: row for row in _details(sample())["refund-017"]["scores"]}
    assert scores["faithfulness"][1:5] == ["1.000", "0.000", "−1.000", -1]
    assert scores["latency_s"][1:5] == ["1.40 s", "1.10 s", "−0.30 s", 1]


def test_a_passage_is_stored_once() -> None:
    """Every document and text has one number, however many cases retrieved it in either run."""
    packed = payload.pack(sample())
    rows = [tuple(row) for block in packed.passages for row in unpacked(block)]
    assert len(rows) == len(set(rows))
    used = {
        side[0]
        for case in _details(sample()).values()
        for before, after, _ in case["passages"]
        for side in (before, after)
        if side is not None
    }
    assert used == set(range(len(rows)))


def test_gold_passages_are_marked_by_document() -> None:
    """The star follows the golden's evidence."""
    rows = _details(sample())["refund-017"]["passages"]
    assert [gold for _, _, gold in rows] == [False, False, False, True]
    assert rows[3][1] is None


def test_claims_point_at_the_words_that_support_them() -> None:
    """Number, start and end of a claim's support give its words in the passage as it is shown."""
    packed = payload.pack(sample())
    rows = [row for block in packed.passages for row in unpacked(block)]
    supports = {claim[1]: claim[5] for claim in _details(sample())["refund-017"]["claims"]["baseline"]}
    number, start, end = supports["Die Frist beträgt 30 Tage nach Zustellung."]
    assert rows[number][1][start:end] == "innerhalb von 30 Tagen nach Zustellung"
    lost = _details(sample())["refund-017"]["claims"]["candidate"][1]
    assert lost[2:] == ["unsupported", "no passage is about it", "", None]


def test_claims_are_placed_as_scripts_count() -> None:
    """Offsets are in UTF-16 units: an emoji before the words counts twice."""
    first = sample().cases[0]
    assert first.candidate is not None
    passage = Passage(doc_id="d", text="😀🎉 thirty days", rank=1)
    claim = {"text": "so", "verdict": "supported", "doc_id": "d", "rank": 1}
    claim |= {"passage_start": 3, "passage_end": 9}
    response = msgspec.structs.replace(first.candidate.response, retrieved=(passage,))
    scores = {"faithfulness": Score(1.0, details={"claims": [claim]})}
    result = msgspec.structs.replace(first.candidate, response=response, scores=scores)
    report = msgspec.structs.replace(sample(), cases=(msgspec.structs.replace(first, candidate=result),))
    [[*_, (_, start, end)]] = _details(report)["refund-017"]["claims"]["candidate"]
    assert passage.text.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le") == "thirty"


@pytest.mark.parametrize(
    "claims", [None, 7, "text", {"a": 1}, [None, 3, {"verdict": []}, {"doc_id": "limits"}]]
)
def test_details_of_any_shape_are_taken(claims: object) -> None:
    """A metric of somebody else may put anything under ``claims``; the page shows what it understands."""
    first = sample().cases[0]
    assert first.candidate is not None
    score = msgspec.structs.replace(first.candidate.scores["faithfulness"], details={"claims": claims})
    result = msgspec.structs.replace(first.candidate, scores={"faithfulness": score})
    report = msgspec.structs.replace(sample(), cases=(msgspec.structs.replace(first, candidate=result),))
    assert _details(report)["refund-017"]["id"] == "refund-017"


def test_without_a_baseline_there_is_one_side() -> None:
    """The page of a case then shows the candidate alone."""
    assert not _index(sample_alone())["paired"]
    assert "baseline" not in _details(sample_alone())["refund-017"]


def test_beyond_the_size_limit_the_last_details_are_left_out() -> None:
    """The index keeps every case; details are kept from the worst on."""
    many = msgspec.structs.replace(sample(), cases=sample().cases * 60)
    packed = payload.pack(many, max_bytes=3000)
    index = unpacked(packed.index)
    assert len(index["cases"]) == 720
    assert index["kept"] == payload.CASES_PER_BLOCK
    assert len(packed.details) == 1


def test_command_is_split_around_the_case() -> None:
    """The page sets the id between the two parts."""
    before, after = _index(sample())["command"]
    assert f"{before}refund-017{after}" == (
        "harness run suites/support.yaml --case refund-017 --candidate pr-412 --no-cache"
    )


def test_f5_every_text_is_visible_before_it_is_packed() -> None:
    """The page gets no control and no bidi character, so it cannot show one by mistake."""
    packed = payload.pack(saturate(sample(), HOSTILE))
    for block in (packed.index, *packed.details, *packed.passages):
        text = gzip.decompress(base64.b64decode(block)).decode()
        assert not [char for char in text if char in "\x00\x1b\u202e\u200b\ufeff\u2028"]
        assert "\\u001b" not in text


def test_long_texts_are_cut_and_say_so() -> None:
    """A page shows the first 20,000 characters and how many more there are."""
    assert shown("x" * (MAX_TEXT + 1234)).endswith("… (1,234 more characters are in the recording)")
    assert shown("x" * MAX_TEXT) == "x" * MAX_TEXT


def test_rankings_are_aligned_by_text_then_by_document() -> None:
    """The same passage pairs with itself; a re-chunked one pairs with what is left of its document."""
    before = [_passage("a", 1, "one"), _passage("a", 2, "two"), _passage("b", 3)]
    after = [_passage("a", 1, "two"), _passage("c", 2), _passage("a", 3, "changed")]
    rows = [(row.before and row.before.text, row.after and row.after.text) for row in align(before, after)]
    assert rows == [("two", "two"), (None, "c"), ("one", "changed"), ("b", None)]


_RANKINGS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")), max_size=6)


@given(_RANKINGS, _RANKINGS)
def test_alignment_loses_and_invents_nothing(old: list[tuple[str, str]], new: list[tuple[str, str]]) -> None:
    """Every passage of both rankings stands in exactly one row, candidates in their order."""
    before = [_passage(doc, rank, text) for rank, (doc, text) in enumerate(old, start=1)]
    after = [_passage(doc, rank, text) for rank, (doc, text) in enumerate(new, start=1)]
    rows = align(before, after)
    assert [row.after for row in rows if row.after is not None] == after
    assert sorted((row.before for row in rows if row.before), key=lambda p: p.rank) == before
