"""A slim recording holds what a comparison needs, the same bytes each time, and no text unless wanted."""

import hashlib
from pathlib import Path

from msgspec.structs import replace

from harness.errors import RecordingError
from harness.recordings import pack_slim, read
from harness.types import (
    Case,
    Evidence,
    Message,
    Passage,
    Query,
    Recorded,
    Response,
    ResponseError,
    Result,
    Run,
    Score,
)

PRIVATE = "Müller, 4711 0815"

CASE = Case(
    query=Query(
        id="c1",
        input=PRIVATE,
        history=(Message(role="user", content=PRIVATE),),
        contexts=(Passage(doc_id="d", text=PRIVATE, rank=1),),
    ),
    expected_output=(PRIVATE,),
    evidence=(Evidence(doc_id="d1", quote=PRIVATE, start=1, end=5, grade=2),),
    must_include=(PRIVATE,),
    must_not_include=(PRIVATE,),
    groups={"language": "de"},
    metadata={"topic": "billing"},
)
ANSWERED = Result(
    case_id="c1",
    repeat=0,
    response=Response(output=PRIVATE, retrieved=(Passage(doc_id="d1", text=PRIVATE, rank=1, score=0.5),)),
    scores={
        "recall@5": Score(1.0, reason=PRIVATE, details={"claims": [PRIVATE], "n": 3, "why": PRIVATE}),
        "refusal_correctness": Score(1.0, details={"observed": "refuse", "evidence": PRIVATE}),
    },
)
FAILED = Result(
    case_id="c1",
    repeat=1,
    response=Response(error=ResponseError("exception", PRIVATE)),
    scores={"recall@5": Score(status="system_error", reason=PRIVATE)},
)
RECORDED = Recorded(
    run=Run(
        id="run-1",
        suite_name="support",
        started_at="2026-11-22T08:00:00Z",
        candidate="base",
        system_fingerprint="f",
        dataset_digest="d",
        dataset_name="support",
        corpus_digest=None,
        metrics={},
        config={},
        suite={},
        suite_path="suites/support.yaml",
        harness_version="0.1.0",
        seed=0,
        repeats=2,
        n_cases=1,
    ),
    cases=(CASE,),
    digests={"c1": "digest"},
    results=(ANSWERED, FAILED),
    complete=True,
)


def test_with_text_nothing_is_lost(tmp_path: Path) -> None:
    """A slim recording with text reads back as the recording it was made from, complete or not."""
    for recorded in (RECORDED, replace(RECORDED, complete=False)):
        (tmp_path / "slim.jsonl.gz").write_bytes(pack_slim(recorded, keep_text=True))
        assert read(tmp_path / "slim.jsonl.gz") == recorded


def test_without_text_no_text_is_left(tmp_path: Path) -> None:
    """F25: inputs, answers, quotes, passages, reasons, messages and details are gone; scores and ids stay."""
    path = tmp_path / "slim.jsonl.gz"
    path.write_bytes(pack_slim(RECORDED, keep_text=False))
    found = read(path)
    assert PRIVATE not in repr(found)
    answered, failed = found.results
    digest = hashlib.sha256(PRIVATE.encode()).hexdigest()
    assert answered.response.output == f"sha256:{digest}"
    assert [passage.doc_id for passage in answered.response.retrieved] == ["d1"]
    assert answered.scores["recall@5"] == Score(1.0, details={"n": 3})
    assert answered.scores["refusal_correctness"].details == {"observed": "refuse"}
    assert failed.scores == {"recall@5": Score(status="system_error")}
    assert failed.response.error == ResponseError("exception", "")
    assert found.cases[0].evidence == (Evidence(doc_id="d1", start=1, end=5, grade=2),)
    assert found.cases[0].groups == CASE.groups
    assert (found.digests, found.complete) == (RECORDED.digests, True)
    assert found.notices == ("slim.jsonl.gz: texts were left out of this recording",)


def test_the_same_content_gives_the_same_bytes() -> None:
    """The time of writing is not in them."""
    content = pack_slim(RECORDED, keep_text=False)
    assert content == pack_slim(RECORDED, keep_text=False)
    assert content[4:8] == bytes(4)


def test_f12_damage_to_a_compressed_recording_is_found(tmp_path: Path) -> None:
    """A cut or changed compressed file gives the same recording or a RecordingError, never less of it."""
    path = tmp_path / "slim.jsonl.gz"
    path.write_bytes(pack_slim(RECORDED, keep_text=True))
    content = path.read_bytes()
    outcomes = set()
    for place in range(len(content)):
        flipped = content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :]
        for damaged in (content[:place], flipped):
            path.write_bytes(damaged)
            try:
                outcomes.add(read(path) == RECORDED)
            except RecordingError:
                outcomes.add("refused")
    assert outcomes == {True, "refused"}
