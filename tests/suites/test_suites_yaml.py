"""Strict YAML: every trap and every bomb is one fault with line and column, told in no time."""

import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from suite_files import BASE, changed, faults, load, told

from harness.errors import SuiteError
from harness.suites.yaml import MAX_ALIASES, MAX_BYTES, MAX_DEPTH, load_yaml

TRUTHS = [case(word) for word in ("yes", "no", "on", "off") for case in (str.lower, str.title, str.upper)]
TRUTHS += list("yYnN")


def value_of(folder: Path, text: str | bytes) -> Any:
    """The plain value of a document."""
    path = folder / "x.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_yaml(path).value


def refused(folder: Path, text: str | bytes) -> str:
    """The one fault of a document, as text without the folder."""
    with pytest.raises(SuiteError) as caught:
        value_of(folder, text)
    (fault,) = caught.value.faults
    return str(fault).removeprefix(f"{folder / 'x.yaml'}")


@pytest.mark.parametrize(
    ("written", "why"),
    [
        *((word, "truth value") for word in TRUTHS),
        *((word, "octal") for word in ("0123", "08", "-017", "0_7")),
        *((word, "another base") for word in ("0x1F", "0o17", "0b11", "-0xff")),
        *((word, "base-60") for word in ("1:30", "12:30:45", "190:20:30.15", "-1:00")),
        *((word, "is a number") for word in ("1_000", "1_0.5", "2__3")),
        *((word, "date") for word in ("2026-11-22", "2026-1-2", "2026-11-22T08:00:00Z", "2026-11-22 08:00")),
        *((word, "not a finite number") for word in (".inf", "-.INF", "+.Inf", ".nan", ".NaN")),
    ],
)
def test_f16_every_trap_of_yaml_1_1_is_told(tmp_path: Path, written: str, why: str) -> None:
    """What YAML 1.1 reads as something else must be quoted, as a value, an item and a key."""
    for text, place in ((f"a:\n  b: {written}\n", ":2:6"), (f"a: [1, {written}]", ":1:8")):
        found = refused(tmp_path, text)
        assert found.startswith(f"{place}: unquoted '{written}' ")
        assert why in found
        assert f'write "{written}" in quotes' in found
    assert refused(tmp_path, f"a: 1\n{written}: 2\n").startswith(f":2:1: unquoted '{written}' ")
    for quote in "'\"":
        assert value_of(tmp_path, f"a: {quote}{written}{quote}") == {"a": written}
    assert value_of(tmp_path, f"a: |-\n  {written}\n") == {"a": written}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("9223372036854775807", 2**63 - 1),
        ("1.10", 1.1),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-1.5E-3", -0.0015),
        ("http://localhost:8080/x", "http://localhost:8080/x"),
        ("10:99x", "10:99x"),
        ("v1", "v1"),
        ("yes sir", "yes sir"),
        ("1.2.3", "1.2.3"),
        ("e3", "e3"),
        ("'it''s'", "it's"),
        ('"\\u00e4\\n"', "ä\n"),
        ('"\\U0001F600"', "\U0001f600"),
        ("[a, {b: c}]", ["a", {"b": "c"}]),
    ],
)
def test_plain_values_are_those_of_yaml_1_2(tmp_path: Path, written: str, value: Any) -> None:
    """Scalars are the core schema's, with types and all."""
    found = value_of(tmp_path, f"a: {written}\n")["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "told_as"),
    [
        ("a: 1\nb: 2\na: 3\n", ":3:1: duplicate key 'a', first in line 1: keep one of them"),
        ("a: {b: 1,\n  c: 2, b: 3}", ":2:9: duplicate key 'b', first in line 1: keep one of them"),
        ("a: 1\n'a': 2\n", ":2:1: duplicate key 'a', first in line 1: keep one of them"),
        ("a: !!int '5'", ":1:4: tag 'tag:yaml.org,2002:int'"),
        ("a: !local 5", ":1:4: tag '!local'"),
        ("a: ! 5", ":1:4: tag '!'"),
        ("a: !!python/object/apply:os.system [true]", ":1:4: tag 'tag:yaml.org,2002:python/object/apply:os"),
        ("!!map {a: 1}", ":1:1: tag"),
        ("!!str a: 1", ":1:1: tag"),
        ("a: &x {b: 1}\nc: {<<: *x}", ":2:5: merge key '<<': write the keys out"),
        ("a: &x [1, *x]", "an alias nests more than 50 deep, or contains itself"),
        ("a: *x", ":1:4: not YAML: found undefined alias"),
        ("a: 1\n1: 2", ":2:1: key '1' is not text: put it in quotes"),
        ("true: 2", ":1:1: key 'true' is not text: put it in quotes"),
        ("~: 2", ":1:1: key '~' is not text"),
        ("? [a, b]\n: 1", ":1:3: key that is no word is not text"),
        ("a:\n\t- b", ":2:1: not YAML: while scanning for the next token found character '\\t'"),
        ("a: [1, 2", ":1:9: not YAML: "),
        ("a: 'open", ":1:9: not YAML: while scanning a quoted scalar found unexpected end of stream"),
        ("a: 1\n--- \nb: 1", ":2:1: not YAML: expected a single document in the stream"),
        ("a: 1\nb: x\x01y", ":2:5: not YAML: special characters are not allowed: take U+0001 out"),
        ("a: \x00", ":1:4: not YAML: special characters are not allowed: take U+0000 out"),
        ('a: "\\ud800"', ":1:4: a NUL or half a surrogate pair: replace the escape"),
        ('a: "x\\0"', ":1:4: a NUL or half a surrogate pair: replace the escape"),
        ('"\\0": x', ":1:1: a NUL or half a surrogate pair"),
        ("a: 1e999", ":1:4: number 1e999 is too large"),
        ("a: -1e999", ":1:4: number -1e999 is too large"),
        ("a: 9223372036854775808", ":1:4: number 9223372036854775808 does not fit 64 bits"),
        ("a: " + "1" * 5000, ":1:4: number 11111111111111111111 does not fit 64 bits"),
        (b"a: 1\nb: na\xefve\n", ":2:6: not UTF-8: save the file as UTF-8"),
        (b"\xef\xbb\xbfa: \xff", ":1:4: not UTF-8: save the file as UTF-8"),
        ("a: 1\n".encode("utf-16"), ":1:1: not UTF-8: save the file as UTF-8"),
    ],
)
def test_f16_what_is_no_plain_yaml_is_told(tmp_path: Path, text: str | bytes, told_as: str) -> None:
    """Duplicate keys, tags, merges, odd keys and broken text are faults with their place."""
    assert told_as in refused(tmp_path, text)


def test_ten_thousand_bytes_more_than_the_limit_are_not_parsed(tmp_path: Path) -> None:
    """The size is looked at before anything else."""
    assert "at most 5,000,000 are read" in refused(tmp_path, b"a: " + b"x" * MAX_BYTES)


def nested_aliases(levels: int, width: int) -> str:
    """Lists of aliases of lists of aliases: width ** levels values."""
    lines = ["a0: &a0 [" + ", ".join("x" * width) + "]"]
    lines += [
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]" for level in range(1, levels + 1)
    ]
    return "\n".join(lines) + "\n"


BOMBS = {
    "aliases": (nested_aliases(5, 9), "values, aliases written out"),
    "many aliases": (nested_aliases(9, 9), f"more than {MAX_ALIASES} aliases"),
    "recursion": ("a: &a [" + ", ".join(["*a"] * 40) + "]", "or contains itself"),
    "brackets": ("a: " + "[" * 20_000, f"nested more than {MAX_DEPTH} deep"),
    "closed brackets": ("a: " + "[" * 20_000 + "]" * 20_000, f"nested more than {MAX_DEPTH} deep"),
    "braces": ("a: " + "{" * 20_000, f"nested more than {MAX_DEPTH} deep"),
    "dashes": ("- " * 20_000, f"nested more than {MAX_DEPTH} deep"),
    "questions": ("? " * 20_000, f"nested more than {MAX_DEPTH} deep"),
    "aliases in keys": ("a: &a [1]\n? *a\n: 1\n", "is not text"),
}


def test_f16_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """More than 5 MB, be they comments: told at once, with how many there are."""
    path = tmp_path / "large.yaml"
    path.write_text("a: 1\n" + "# a comment\n" * 450_000)
    began = time.perf_counter()
    with pytest.raises(SuiteError, match="5,400,005 bytes; at most 5,000,000 are read"):
        load_yaml(path)
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("name", BOMBS)
def test_f16_no_bomb_goes_off(tmp_path: Path, name: str) -> None:
    """Depth, aliases and recursion are refused within a second."""
    text, told_as = BOMBS[name]
    started = time.process_time()
    assert told_as in refused(tmp_path, text)
    assert time.process_time() - started < 1


def test_f16_the_worst_bomb_does_not_fill_the_memory(tmp_path: Path) -> None:
    """The bomb that gets furthest is the one with few aliases."""
    tracemalloc.start()
    try:
        refused(tmp_path, BOMBS["aliases"][0])
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


def test_aliases_within_the_limit_are_written_out(tmp_path: Path) -> None:
    """A few anchors are allowed: each alias is the value that it stands for, at a place of its own."""
    assert value_of(tmp_path, "a: &x {b: [1]}\nc: *x\n") == {"a": {"b": [1]}, "c": {"b": [1]}}
    many = "a: &x 1\nb: [" + ", ".join(["*x"] * MAX_ALIASES) + "]\n"
    assert value_of(tmp_path, many)["b"] == [1] * MAX_ALIASES
    assert "more than 50 aliases" in refused(tmp_path, many + "c: *x\n")


def test_values_may_nest_up_to_the_limit(tmp_path: Path) -> None:
    """The limit is a limit, not a slope."""
    assert value_of(tmp_path, "[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert f":1:{MAX_DEPTH + 1}: nested" in refused(tmp_path, "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


def test_a_suite_reads_the_same_however_it_was_saved(tmp_path: Path) -> None:
    """A byte order mark and the line ends of another system change nothing, the lines of gates neither."""
    plain = load(tmp_path, BASE)
    for saved in (b"\xef\xbb\xbf" + BASE.encode(), BASE.replace("\n", "\r\n").encode()):
        found = load(tmp_path, saved)
        assert (found.suite, found.lines) == (plain.suite, plain.lines)
    wrong = changed(("suite: demo", "suite: Demo")).replace("\n", "\r\n").encode()
    assert told(faults(tmp_path, b"\xef\xbb\xbf" + wrong)) == ["2:8 suite name 'Demo' | use a-z, 0-9 and -"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The fault names the file and the reason."""
    with pytest.raises(SuiteError, match=r"absent\.yaml: cannot read the file: No such file"):
        load_yaml(tmp_path / "absent.yaml")
    with pytest.raises(SuiteError, match="cannot read the file: Is a directory"):
        load_yaml(tmp_path)


KEYS = st.text(st.characters(exclude_categories=["C"]), max_size=6).filter(lambda key: key != "<<")
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["C"]), max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(value=PLAIN)
def test_json_is_yaml(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    """What JSON can say, a suite can say: it is read back as it was."""
    import json

    folder = tmp_path_factory.mktemp("y")
    assert value_of(folder, json.dumps({"a": value}, ensure_ascii=False)) == {"a": value}


@settings(max_examples=80, deadline=None)
@given(text=st.text(max_size=40) | st.text("[]{}&*!|>%@:?-#'\" \n,ab01<", max_size=40))
def test_any_text_is_a_value_or_one_fault(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """No text makes anything but a plain value or a fault that names the file."""
    folder = tmp_path_factory.mktemp("y")
    try:
        value_of(folder, text)
    except SuiteError as error:
        (fault,) = error.faults
        assert fault.place is not None
        assert fault.place.file == str(folder / "x.yaml")
