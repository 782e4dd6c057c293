"""Several judges, repeats, the cache: how verdicts become one opinion, and what is paid for once."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asking_doubles import settings_of, with_judges
from judge_stub import Reply, Stub, judge_soundly, stub_judge, verdicts

from harness.cache import Cache, key_of
from harness.errors import JudgeFailure
from harness.judges.asking import Asking, fingerprint_of
from harness.judges.client import Reading
from harness.types import JudgeSettings, Opinion, Question, Rubric

LABELS = ("supported", "unsupported", "contradicted")
QUESTION = Question("claims.v1", (("text 1", "Sent within 11 days."),), ("Sent within 11 days.",), LABELS)


def _said(*labels: str) -> Callable[[dict[str, Any]], Reply]:
    """Say these by turns, over and over."""
    count = iter(range(10**6))
    return lambda request: verdicts(request, [labels[next(count) % len(labels)]] * 1)


def _ask(judge: Asking) -> tuple[Opinion, dict[str, Any]]:
    return judge(QUESTION), judge.account()


def test_repeats_are_averaged_and_told() -> None:
    """Three of four say supported: the share is 0.75, and the item is one that repeats disagree on."""
    with stub_judge(_said("supported", "supported", "unsupported", "supported")) as stub:
        found, account = with_judges({"default": settings_of(stub, repeats=4)}, _ask)
    assert found.shares == ((0.75, 0.25, 0.0),)
    assert account["agreement"] == 0.0
    (row,) = account["disagreed"]
    assert (row["item"], sorted(row["said"]["default"])) == (1, ["supported"] * 3 + ["unsupported"])


def test_several_judges_are_averaged_or_outvoted() -> None:
    """By mean each counts alike, by majority the label that more than half of them say."""
    with stub_judge(_said("supported")) as yes, stub_judge(_said("unsupported")) as no:
        judges = {"a": settings_of(yes), "b": settings_of(no), "c": settings_of(yes, model="other")}
        mean, account = with_judges(judges, _ask)
        most, _ = with_judges(judges, _ask, combine="majority")
    assert mean.shares[0] == pytest.approx((2 / 3, 1 / 3, 0.0))
    assert most.shares == ((1.0, 0.0, 0.0),)
    assert [judge["name"] for judge in account["judges"]] == ["a", "b", "c"]
    assert account["disagreed"] == [
        {"item": 1, "said": {"a": ["supported"], "b": ["unsupported"], "c": ["supported"]}}
    ]


def test_judges_who_agree_have_an_agreement_of_1() -> None:
    """It is a share of items, told wherever there is more than one reply."""
    with stub_judge() as stub:
        _, account = with_judges({"a": settings_of(stub), "b": settings_of(stub, model="n")}, _ask)
    assert (account["agreement"], account["disagreed"]) == (1.0, [])


def test_f6_without_a_majority_there_is_no_verdict() -> None:
    """One against one is no majority, and no half either."""
    with stub_judge(_said("supported")) as yes, stub_judge(_said("unsupported")) as no:
        judges = {"a": settings_of(yes), "b": settings_of(no)}
        with pytest.raises(JudgeFailure, match="no majority on item 1: supported 1, unsupported 1"):
            with_judges(judges, _ask, combine="majority")


def test_f6_one_judge_that_fails_fails_the_panel_and_the_other_is_kept(tmp_path: Path) -> None:
    """What the other said was paid for: it is not asked again."""
    with stub_judge(lambda _: Reply("?")) as broken, stub_judge() as sound:
        judges = {"a": settings_of(broken), "b": settings_of(sound)}
        with pytest.raises(JudgeFailure):
            with_judges(judges, _ask, cache=tmp_path)
        broken.script = judge_soundly
        with_judges(judges, _ask, cache=tmp_path)
        assert (broken.count, sound.count) == (3, 1)


def test_the_less_favourable_of_equals_is_the_verdict() -> None:
    """Labels are listed the most favourable first."""
    assert Opinion(LABELS, ((0.5, 0.5, 0.0),)).verdict(0) == "unsupported"


@pytest.mark.parametrize("output", ["json_schema", "logprob"])
def test_a_verdict_from_the_cache_is_the_verdict(output: str, tmp_path: Path) -> None:
    """Opinion and account are the same to the bit, and nobody is asked."""
    with stub_judge() as stub:
        judges = {"default": settings_of(stub, output=output, repeats=2)}
        first = with_judges(judges, _ask, cache=tmp_path)
        asked = stub.count
        again = with_judges(judges, _ask, cache=tmp_path)
        without = with_judges(judges, _ask)
    assert first == again == without
    assert (asked, stub.count) == (2, 4)


def test_f35_what_moves_a_verdict_is_asked_anew(tmp_path: Path) -> None:
    """Each part of the judge and of the question is part of the key; times, retries and prices are not."""
    with stub_judge() as stub:

        def calls(question: Question = QUESTION, **settings: Any) -> int:
            before = stub.count
            chosen = {"default": settings_of(stub, **settings)}
            with_judges(chosen, lambda judge: judge(question), cache=tmp_path)
            return stub.count - before

        assert calls() == 1
        assert calls(timeout_s=9.0, retries=2, usd_per_million_tokens={"input": 1.0, "output": 1.0}) == 0
        changes: list[dict[str, Any]] = [
            {"model": "n"},
            {"output": "json"},
            {"output": "text"},
            {"temperature": 0.1},
        ]
        changes += [
            {"max_tokens": 50},
            {"base_url": stub.url.replace("127.0.0.1", "localhost")},
            {"temperature": None},
        ]
        assert [calls(**change) for change in changes] == [1] * len(changes)
        others = (
            Question("claims.v1", (("text 1", "Sent within 11 day."),), QUESTION.items, LABELS),
            Question("claims.v1", (("text 2", "Sent within 11 days."),), QUESTION.items, LABELS),
            Question("claims.v1", QUESTION.sections, ("Sent within 11 days",), LABELS),
            Question("claims.v1", QUESTION.sections, QUESTION.items, LABELS[::-1]),
        )
        assert [calls(question) for question in others] == [1] * len(others)


def test_fingerprints_tell_judges_apart() -> None:
    """Model, parameters, prompt, metric and rubric; the key and the time are none of it."""
    base = JudgeSettings("http://h/v1", "m")
    rubric = Rubric("kind", "no", "yes")
    found = {
        fingerprint_of(base, "judged_faithfulness", "claims.v1"),
        fingerprint_of(base, "context_recall", "claims.v1"),
        fingerprint_of(base, "judged_faithfulness", "passages.v1"),
        fingerprint_of(JudgeSettings("http://h/v1", "n"), "judged_faithfulness", "claims.v1"),
        fingerprint_of(JudgeSettings("http://h/v1", "m", repeats=2), "judged_faithfulness", "claims.v1"),
        fingerprint_of(base, "rubric:tone", "rubric.v1", rubric),
        fingerprint_of(base, "rubric:tone", "rubric.v1", Rubric("kinder", "no", "yes")),
    }
    assert len(found) == 7
    keyed = JudgeSettings("http://h/v1", "m", api_key="${secret:K}", timeout_s=1.0, retries=9)
    assert fingerprint_of(keyed, "judged_faithfulness", "claims.v1") in found


READING = Reading(((0.25, 0.75),), "m", 3, None)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"0.25", b"0.95"),
        lambda data: data.replace(b"0.75", b"NaN"),
        lambda data: b"\0" * len(data),
        lambda data: b"[]\n" + data,
    ],
)
def test_f35_a_damaged_entry_is_none(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """A bit that flipped, a file that was cut: the judge is asked again."""
    cache, key = Cache(tmp_path, Reading), key_of("f", QUESTION, 0)
    cache.put(key, READING)
    assert cache.get(key) == READING
    (path,) = (path for path in tmp_path.rglob("*") if path.is_file())
    path.write_bytes(damage(path.read_bytes()))
    assert cache.get(key) is None


def test_f35_an_entry_under_another_key_is_none(tmp_path: Path) -> None:
    """A file that was renamed is not believed."""
    cache, key, other = Cache(tmp_path, Reading), "a" * 64, "a" * 63 + "b"
    cache.put(key, READING)
    (tmp_path / "aa" / f"{key}.json").rename(tmp_path / "aa" / f"{other}.json")
    assert cache.get(other) is None


def test_f35_verdicts_that_no_reply_could_give_are_asked_anew(tmp_path: Path) -> None:
    """Whole by its checksum, and still not believed: shares that do not add up, or for other items."""
    with stub_judge() as stub:
        judges = {"default": settings_of(stub)}
        fingerprint = fingerprint_of(judges["default"], "judged_faithfulness", "claims.v1")
        for shares in (((0.9, 0.9, 0.0),), ((1.0, 0.0),), (), ((2.0, -1.0, 0.0),)):
            Cache(tmp_path, Reading).put(key_of(fingerprint, QUESTION, 0), Reading(shares, "m"))
            before = stub.count
            found, _ = with_judges(judges, _ask, cache=tmp_path)
            assert (found.verdict(0), stub.count - before) == ("supported", 1)


def test_f35_an_entry_holds_no_text(tmp_path: Path) -> None:
    """What was asked stands nowhere in the cache."""
    with stub_judge() as stub:
        with_judges({"default": settings_of(stub)}, _ask, cache=tmp_path)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert kept
    assert b"days" not in kept


def test_f11_many_writers_leave_whole_entries(tmp_path: Path) -> None:
    """Whoever reads meanwhile finds nothing or all of it, and no half-written file is left."""
    cache, key = Cache(tmp_path, Reading), "c" * 64
    values = [Reading(((number / 64, 1 - number / 64),) * 50, "m" * 100) for number in range(8)]
    seen: list[Reading | None] = []

    def write(value: Reading) -> None:
        for _ in range(40):
            cache.put(key, value)
            seen.append(cache.get(key))

    threads = [threading.Thread(target=write, args=(value,)) for value in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(value in values for value in seen)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{key}.json"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_f10_a_disk_that_takes_nothing_costs_money_and_no_verdict(tmp_path: Path) -> None:
    """The verdict stands although it cannot be kept."""
    tmp_path.chmod(0o500)
    try:
        with stub_judge() as stub:
            found, _ = with_judges({"default": settings_of(stub)}, _ask, cache=tmp_path)
    finally:
        tmp_path.chmod(0o700)
    assert found.verdict(0) == "supported"


def test_f10_a_cache_that_is_a_file_costs_money_and_no_verdict(tmp_path: Path) -> None:
    """Nothing is kept, and the verdict stands."""
    (tmp_path / "cache").write_text("not a folder")
    with stub_judge() as stub:
        found, _ = with_judges({"default": settings_of(stub)}, _ask, cache=tmp_path / "cache")
    assert found.verdict(0) == "supported"


def test_the_marker_is_no_part_of_what_is_kept(tmp_path: Path) -> None:
    """Two questions alike have one key, although each call has a marker of its own."""

    def marker_of(stub: Stub) -> list[str]:
        return [request["messages"][-1]["content"].partition("\n")[0] for request in stub.requests]

    with stub_judge() as stub:
        for _ in range(2):
            with_judges({"default": settings_of(stub)}, _ask)
        first, second = marker_of(stub)
        with_judges({"default": settings_of(stub)}, _ask, cache=tmp_path)
        with_judges({"default": settings_of(stub)}, _ask, cache=tmp_path)
        assert first != second
        assert stub.count == 3
    json.dumps(stub.requests)
