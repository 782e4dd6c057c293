"""Tests of harness.systems.replay."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from project import call, write_lines
from system_doubles import run

from harness.errors import SystemFailure, UsageError
from harness.systems import replay
from harness.types import Passage, Query, Response, ResponseError, Result, Score, Timings, Usage

FULL = Response(
    output="14 days\u2028",
    retrieved=(Passage("a", "t", 1, 0.5, 3),),
    refused=False,
    usage=Usage(3, 4, 0.1),
    timings=Timings(1.5, 0.5),
    attempts=2,
)


def _ask(path: Path, *ids: str, **options: Any) -> list[Response]:
    async def work() -> list[Response]:
        async with replay.connect(path=path, **options) as system:
            return [await system(Query(case_id, "asked")) for case_id in ids]

    answers: list[Response] = run(work())
    return answers


def _lines(folder: Path, *lines: Any, name: str = "answers.jsonl") -> Path:
    path = folder / name
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def _framed(kind: str, value: Any) -> bytes:
    data = msgspec.json.encode(value)
    return b'{"kind":"%s","data":%s,"crc32":"%08x"}\n' % (kind.encode(), data, zlib.crc32(data))


def _recording(folder: Path, *results: Result, tail: bytes = b"", name: str = "recording.jsonl") -> Path:
    path = folder / name
    content = _framed("run", {"id": "r1"}) + b"".join(_framed("result", result) for result in results) + tail
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("name", ["recording.jsonl", "recording.jsonl.gz"])
def test_a_recording_gives_its_responses_again(name: str, tmp_path: Path) -> None:
    """The response of a recording comes back whole: timings, attempts and usage are kept."""
    path = _recording(tmp_path, Result("q1", 0, FULL, {"recall@5": Score(1.0)}), name=name)
    assert _ask(path, "q1") == [FULL]


def test_repeats_come_in_turn(tmp_path: Path) -> None:
    """Each question for a case gets its next repeat, in the order of the repeats, then the first again."""
    results = [Result("q", repeat, Response(output=str(repeat))) for repeat in (1, 0, 2)]
    answers = _ask(_recording(tmp_path, *results), *["q"] * 4)
    assert [answer.output for answer in answers] == ["0", "1", "2", "0"]


def test_a_recorded_error_is_an_error_again(tmp_path: Path) -> None:
    """Kind and message of a recorded error are raised; it is not retried."""
    path = _recording(
        tmp_path, Result("q", 0, Response(error=ResponseError("http_status", "HTTP status 500")))
    )
    with pytest.raises(SystemFailure, match="HTTP status 500") as caught:
        _ask(path, "q")
    assert (caught.value.kind, caught.value.retry) == ("http_status", False)


def test_f9_a_torn_last_line_of_a_recording_is_left_out(tmp_path: Path) -> None:
    """What a crash left half-written is no answer."""
    whole = _framed("result", Result("q2", 0, Response(output="late")))
    path = _recording(tmp_path, Result("q1", 0, FULL), tail=whole[:-10])
    assert _ask(path, "q1") == [FULL]
    with pytest.raises(SystemFailure, match="no recorded answer for 'q2'"):
        _ask(path, "q2")


def test_a_damaged_line_of_a_recording_is_refused(tmp_path: Path) -> None:
    """A line that does not agree with its checksum is named."""
    path = _recording(tmp_path, Result("q1", 0, FULL))
    path.write_bytes(path.read_bytes().replace(b"14 days", b"41 days"))
    with pytest.raises(UsageError, match=r"recording\.jsonl:2: the checksum"):
        _ask(path, "q1")


@pytest.mark.parametrize(("case_id", "repeat"), [(["q"], 0), (7, 0), ("q", "0"), ("q", True), ("q", 2**70)])
def test_a_line_of_no_case_is_refused(tmp_path: Path, case_id: Any, repeat: Any) -> None:
    """Checksums can be made by anybody: names that are none are told with their line."""
    path = _recording(tmp_path)
    with path.open("ab") as file:
        file.write(_framed("result", {"case_id": case_id, "repeat": repeat, "response": {}}))
    with pytest.raises(UsageError, match=r"recording\.jsonl:2: this is not a line of a recording"):
        _ask(path, "q")


@pytest.mark.parametrize("name", ["answers.jsonl", "answers.jsonl.gz"])
def test_answers_are_read_when_they_are_asked_for(tmp_path: Path, name: str) -> None:
    """A file that is gone meanwhile still answers; one that is written over does not give other answers."""
    path = _lines(tmp_path, {"id": "q1", "output": "one"}, "", {"id": "q2", "output": "two"})
    kept, other = path.read_bytes(), path.read_bytes().replace(b"two", b"six")
    path = tmp_path / name

    def write(content: bytes) -> None:
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)

    async def work() -> list[Response]:
        async with replay.connect(path=path) as system:
            first = await system(Query("q2", "asked"))
            if path.suffix == ".gz":
                path.unlink()
                return [first, await system(Query("q1", "asked")), await system(Query("q2", "asked"))]
            write(other)
            found = [first, await system(Query("q1", "asked"))]
            with pytest.raises(SystemFailure, match="was changed while it was in use") as caught:
                await system(Query("q2", "asked"))
            assert caught.value.kind == "bad_response"
            path.unlink()
            return [*found, first]

    write(kept)
    assert [answer.output for answer in run(work())] == ["two", "one", "two"]


def test_unknown_case_is_a_failure(tmp_path: Path) -> None:
    """A case that was not recorded is ``bad_response``, not an empty answer."""
    with pytest.raises(SystemFailure, match=r"no recorded answer for 'q2' in answers\.jsonl") as caught:
        _ask(_lines(tmp_path, {"id": "q1", "output": "x"}), "q2")
    assert caught.value.kind == "bad_response"


def test_plain_lines_are_read_by_our_names(tmp_path: Path) -> None:
    """Without a mapping our names are read where they are, and all else is left alone."""
    path = _lines(
        tmp_path,
        {"case_id": "q1", "output": "x", "retrieved": ["t"], "note": "n", "timings": {"total_s": 2}},
        "",
        {"id": 7, "output": "y", "input": "?"},
    )
    first, second = _ask(path, "q1", "7")
    assert (first.output, first.retrieved[0].text, first.timings.total_s) == ("x", "t", 2.0)
    assert second == Response(output="y", cached=True)


def test_foreign_names_are_mapped(tmp_path: Path) -> None:
    """Dotted names of ours and of theirs meet; what is not mapped is not read."""
    line = {
        "question_id": "q1",
        "result": {"response": "x"},
        "chunks": [{"source": {"id": "a"}, "body": "t"}],
        "latency": 0.25,
        "usage": {"in": 5},
        "citations": "none of ours",
    }
    fields = {
        "id": "question_id",
        "output": "result.response",
        "retrieved": "chunks",
        "retrieved.doc_id": "source.id",
        "retrieved.text": "body",
        "timings.total_s": "latency",
        "usage.input_tokens": "usage.in",
    }
    (answer,) = _ask(_lines(tmp_path, line), "q1", fields=fields)
    assert answer == Response(
        output="x", retrieved=(Passage("a", "t", 1),), timings=Timings(0.25), usage=Usage(5)
    )


def test_f3_a_line_without_a_mapped_field_fails_its_call(tmp_path: Path) -> None:
    """A missing field is an error of the case, not of the file."""
    path = _lines(tmp_path, {"id": "q1", "output": "x", "hits": []}, {"id": "q2", "output": "y"})
    assert _ask(path, "q1", fields={"retrieved": "hits"}) == [Response(output="x", cached=True)]
    with pytest.raises(SystemFailure, match=r"\$\.hits is missing"):
        _ask(path, "q2", fields={"retrieved": "hits"})


def test_where_selects_lines(tmp_path: Path) -> None:
    """Only lines with these values count; numbers, booleans and null are compared as JSON writes them."""
    path = _lines(
        tmp_path,
        {"id": "q", "output": "old", "run": {"name": "main"}, "final": True},
        {"id": "q", "output": "draft", "run": {"name": "pr"}, "final": False},
        {"id": "q", "output": "new", "run": {"name": "pr"}, "final": True},
        {"id": "q", "output": "none"},
    )
    assert _ask(path, "q", where={"run.name": "pr", "final": "true"})[0].output == "new"
    with pytest.raises(UsageError, match="holds no recorded answer: look at 'where'"):
        _ask(path, "q", where={"run.name": "other"})


def test_f5_invalid_text_is_repaired(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are spelled out and flagged."""
    path = tmp_path / "answers.jsonl"
    path.write_bytes(b'{"id": "q", "output": "a\xffb"}\n')
    assert _ask(path, "q") == [Response(output="a\\udcffb", text_repaired=True, cached=True)]


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        ([{"id": "a"}, {"id": "b"}, {"id": "a"}], {}, r":3: id 'a' occurs twice: lines 1 and 3"),
        ([{"id": "a", "output": ""}, "{"], {}, r"answers\.jsonl:2: the line is not JSON"),
        (["[1]"], {}, r"answers\.jsonl:1: the line is not an object"),
        ([{"output": "x"}], {}, r":1: id is missing"),
        ([{"id": ["a"], "output": "x"}], {}, r":1: the id is not text: \['a'\]"),
        ([{"id": "a"}], {"fields": {"id": "qid"}}, r":1: \$\.qid is missing"),
        ([{"id": "a"}], {"fields": {"contexts": "c"}}, "unknown name 'contexts'"),
        ([{"id": "a"}], {"where": {"a b": "c"}}, "where 'a b' is not a path"),
        ([], {}, "holds no recorded answer"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_before_any_call(
    lines: list[Any], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """Wrong lines and doubled ids are faults, found with their lines when the connection opens."""
    with pytest.raises(UsageError, match=message):
        _ask(_lines(tmp_path, *lines), **options)


def test_the_last_result_counts_and_fields_of_a_recording_are_refused(tmp_path: Path) -> None:
    """Of a case that was asked again after an error the last answer counts; a recording needs no mapping."""
    twice = _recording(tmp_path, Result("q", 0, Response(output="first")), Result("q", 0, FULL))
    (answer,) = _ask(twice, "q")
    assert answer.output == FULL.output
    with pytest.raises(UsageError, match="takes no 'fields'"):
        _ask(twice, fields={"output": "x"})


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    """A missing or broken file is a fault of the suite."""
    with pytest.raises(UsageError, match="cannot be read"):
        _ask(tmp_path / "none.jsonl")
    broken = tmp_path / "broken.jsonl.gz"
    broken.write_bytes(gzip.compress(b'{"id": "a", "output": ""}\n')[:-12])
    with pytest.raises(UsageError, match="cannot be read"):
        _ask(broken)


def test_a_run_says_that_its_answers_were_replayed(tmp_path: Path) -> None:
    """They came from no cache; what the file tells no time of has none."""
    write_lines(tmp_path / "cases.jsonl", [{"id": "c1", "input": "Where?", "must_include": ["there"]}])
    write_lines(tmp_path / "answers.jsonl", [{"id": "c1", "output": "There."}])
    (tmp_path / "suite.yaml").write_text(
        "version: 1\nsuite: replayed\ngoldens: [{path: cases.jsonl}]\n"
        "system: {adapter: replay, path: answers.jsonl}\nmetrics: [required_facts]\n"
        "gates: [{id: facts, metric: required_facts, min: 0.5}]\n"
    )
    ended = call("run", "suite.yaml", cwd=tmp_path)
    assert ended.code == 0, ended.words
    assert "1 of 1 answers were replayed: their times are not counted" in ended.words
