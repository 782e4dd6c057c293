"""What every adapter promises, proved against real servers, programs and files."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from system_doubles import WORKER, System, chat_echo, http_echo, run, served, threads_left

from harness.errors import SystemFailure
from harness.systems import http, openai_chat, process, python, reference, replay
from harness.types import Case, Evidence, Message, Query, Response, Scalar

Open = Callable[[Path, Sequence[Query]], AbstractAsyncContextManager[System]]

AWKWARD = {
    "emoji": "👩‍🚀🇯🇵 e\u0301 naïve",
    "control": "a\0b\x1b[31m\r\n\t\x7f",
    "separators": "x\u2028y\u2029z\x85",
    "right-to-left": "\u202eשלום\u202c عربى",
    "template": "{{7*7}} ${env:HOME} {0.__class__} %(x)s {question}",
    "long": "köln " * 20_000,
    "empty": "",
}


@asynccontextmanager
async def _python(_: Path, __: Sequence[Query]) -> AsyncIterator[System]:
    async with python.connect(target="system_doubles:echo") as system:
        yield system


@asynccontextmanager
async def _python_async(_: Path, __: Sequence[Query]) -> AsyncIterator[System]:
    async with python.connect(target="system_doubles:echo_async") as system:
        yield system


@asynccontextmanager
async def _http(_: Path, __: Sequence[Query]) -> AsyncIterator[System]:
    paths: dict[str, str | dict[str, str]] = {
        "output": "$.answer",
        "retrieved": {"at": "$.sources[*]", "doc_id": "id", "text": "text"},
    }
    ask: dict[str, Scalar] = {
        "input": "$.input",
        "id": "$.id",
        "history": "$.history",
        "contexts": "$.contexts",
    }
    async with (
        served(http_echo) as address,
        http.connect(url=f"{address}/ask", request=ask, response=paths) as system,
    ):
        yield system


@asynccontextmanager
async def _process(_: Path, __: Sequence[Query]) -> AsyncIterator[System]:
    async with process.connect(command=WORKER, workers=2) as system:
        yield system


@asynccontextmanager
async def _openai_chat(
    folder: Path, __: Sequence[Query], retriever: str | None = None
) -> AsyncIterator[System]:
    prompt = folder / "prompt.txt"
    prompt.write_text("## system\nAnswer.\n## user\nQ: {question}\n")
    async with (
        served(chat_echo, "/v1/chat/completions") as address,
        openai_chat.connect(
            base_url=f"{address}/v1", model="m", prompt=prompt, api_key="k", retriever=retriever
        ) as system,
    ):
        yield system


@asynccontextmanager
async def _openai_chat_with_retriever(folder: Path, queries: Sequence[Query]) -> AsyncIterator[System]:
    async with _openai_chat(folder, queries, "system_doubles:search") as system:
        yield system


@asynccontextmanager
async def _replay(folder: Path, queries: Sequence[Query]) -> AsyncIterator[System]:
    path = folder / "answers.jsonl"
    lines = [
        {"id": query.id, "output": query.input, "retrieved": [query.input]}
        for query in queries
        if not query.input.startswith("raise")
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    async with replay.connect(path=path) as system:
        yield system


@asynccontextmanager
async def _reference(folder: Path, queries: Sequence[Query]) -> AsyncIterator[System]:
    path = folder / "corpus.jsonl"
    documents = [{"doc_id": query.id, "text": f"{query.input} is the fact."} for query in queries]
    path.write_text("".join(json.dumps(line) + "\n" for line in documents))
    async with reference.connect(corpus=path, min_score=0.0, sentences=1) as system:
        yield system


ECHOING: dict[str, Open] = {
    "python": _python,
    "python_async": _python_async,
    "http": _http,
    "process": _process,
    "openai_chat": _openai_chat,
    "openai_chat_with_retriever": _openai_chat_with_retriever,
    "replay": _replay,
}
ALL: dict[str, Open] = {**ECHOING, "reference": _reference}
HANGING = {name: opened for name, opened in ECHOING.items() if name != "replay"}


def _each(table: dict[str, Open]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("opened", table.values(), ids=table.keys())


def _ask_all(opened: Open, folder: Path, queries: Sequence[Query]) -> list[Response]:
    async def work() -> list[Response]:
        async with opened(folder, queries) as system:
            return list(await asyncio.gather(*map(system, queries)))

    answers: list[Response] = run(work())
    return answers


@_each(ALL)
def test_answers_a_query(opened: Open, tmp_path: Path) -> None:
    """A query gives a Response with an output, ranked passages and no error."""
    (answer,) = _ask_all(opened, tmp_path, [Query("q1", "The notice is 14 days")])
    assert isinstance(answer, Response)
    assert answer.output is not None
    assert "14 days" in answer.output
    assert answer.error is None
    assert answer.attempts == 1
    if opened is not _openai_chat:
        assert [passage.rank for passage in answer.retrieved] == [1]


@_each(ECHOING)
def test_f5_f17_text_arrives_and_returns_unchanged(opened: Open, tmp_path: Path) -> None:
    """Any valid text goes there and back character for character; none of it is read as a template."""
    queries = [Query(name, text) for name, text in AWKWARD.items()]
    for query, answer in zip(queries, _ask_all(opened, tmp_path, queries), strict=True):
        assert answer.output == query.input
        assert not answer.text_repaired


def test_f5_reference_survives_any_text(tmp_path: Path) -> None:
    """The reference system answers or abstains, whatever the text; its output is valid."""
    for answer in _ask_all(_reference, tmp_path, [Query(name, text) for name, text in AWKWARD.items()]):
        assert answer.output
        assert answer.output.encode()


@_each(ALL)
def test_concurrent_calls_are_not_mixed_up(opened: Open, tmp_path: Path) -> None:
    """Of many questions asked at once, each gets its own answer."""
    queries = [Query(f"q{n}", f"Topic number{n}x") for n in range(40)]
    for query, answer in zip(queries, _ask_all(opened, tmp_path, queries), strict=True):
        assert answer.output is not None
        assert query.input in answer.output


@_each(ECHOING)
def test_failure_is_a_system_failure_and_the_next_call_works(opened: Open, tmp_path: Path) -> None:
    """What goes wrong in a call is a SystemFailure, and does not touch the call after it."""
    bad, good = Query("bad", "raise"), Query("good", "fine")

    async def work() -> None:
        async with opened(tmp_path, [bad, good]) as system:
            with pytest.raises(SystemFailure) as caught:
                await system(bad)
            assert caught.value.message
            assert (await system(good)).output == "fine"

    run(work())


@_each(HANGING)
def test_f1_a_hanging_call_can_be_cancelled(opened: Open, tmp_path: Path) -> None:
    """A deadline outside ends a hanging call at once; the next call works and nothing is left behind."""

    async def work() -> float:
        async with opened(tmp_path, []) as system:
            started = time.monotonic()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await system(Query("h", "hang"))
            spent = time.monotonic() - started
            assert (await system(Query("g", "fine"))).output == "fine"
        return spent

    assert run(work()) < 1.0
    assert threads_left() == 0


@_each(ALL)
def test_closes_when_the_body_fails(opened: Open, tmp_path: Path) -> None:
    """An exception inside the connection passes through, and everything is closed all the same."""

    async def work() -> None:
        with pytest.raises(KeyError, match="mine"):  # noqa: PT012 - the exception must come from within
            async with opened(tmp_path, [Query("q", "x")]) as system:
                await system(Query("q", "x"))
                raise KeyError("mine")

    run(work())
    assert threads_left() == 0
    gc.collect(1)  # what was not closed warns now, and warnings are errors


@_each(ALL)
def test_a_system_never_sees_the_reference(opened: Open, tmp_path: Path) -> None:
    """Nothing but id, input, history and contexts of a case reaches a system."""
    case = Case(
        query=Query("q", "show", history=(Message("user", "before"),)),
        expected_output=("CANARY",),
        evidence=(Evidence("CANARY", quote="CANARY"),),
        must_include=("CANARY",),
        groups={"language": "CANARY"},
        metadata={"note": "CANARY"},
        document_id="CANARY",
    )
    (answer,) = _ask_all(opened, tmp_path, [case.query])
    assert answer.output
    assert "CANARY" not in answer.output
    if opened in (_http, _process):
        assert set(json.loads(answer.output)) == {"id", "input", "history", "contexts"}
    if opened in (_python, _http, _process, _openai_chat):
        assert "before" in answer.output
