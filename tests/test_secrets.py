"""Secrets: looked up in system options only, all missing ones named, hidden in every shape they may take."""

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ExitCode, UsageError
from harness.secrets import HIDDEN, SHORTEST, redact, redactor, resolve

SECRET = 'p/w+d"ä\\ 7&x'  # noqa: S105 -- made up for these tests


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two variables that are set and two that are not."""
    monkeypatch.setenv("RAG_URL", "http://host/${secret:TOKEN}")
    monkeypatch.setenv("TOKEN", SECRET)
    monkeypatch.delenv("ABSENT", raising=False)
    monkeypatch.delenv("MISSING", raising=False)


@pytest.mark.usefixtures("environment")
def test_references_are_resolved_at_any_depth() -> None:
    """Strings of nested options get their values; only what is called secret is one."""
    options: dict[str, Any] = {
        "url": "${env:RAG_URL}",
        "headers": {"Authorization": "Bearer ${secret:TOKEN}!"},
        "command": ["a", ("${secret:TOKEN}",)],
        "top_k": 5,
        "none": None,
    }
    resolved, secrets = resolve(options)
    assert resolved == {
        "url": "http://host/${secret:TOKEN}",  # one pass: a value is never read for references again
        "headers": {"Authorization": f"Bearer {SECRET}!"},
        "command": ["a", (SECRET,)],
        "top_k": 5,
        "none": None,
    }
    assert secrets == [SECRET, SECRET]
    assert options["url"] == "${env:RAG_URL}"


@pytest.mark.usefixtures("environment")
def test_all_missing_variables_are_named_once() -> None:
    """One fault a variable, so that they can be set in one go; no value of another is in the message."""
    with pytest.raises(UsageError) as caught:
        resolve({"a": "${env:ABSENT}", "b": ["${secret:MISSING} ${env:ABSENT}"], "c": "${secret:TOKEN}"})
    assert [fault.what for fault in caught.value.faults] == [
        "environment variable 'ABSENT' is not set",
        "environment variable 'MISSING' is not set",
    ]
    assert caught.value.exit_code is ExitCode.INVALID
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["$TOKEN", "${TOKEN}", "${file:TOKEN}", "${environment}", "{{TOKEN}}", "%TOKEN%"]
)
def test_f17_nothing_else_is_a_reference(text: str) -> None:
    """There is no template language: other signs are sent as they are."""
    assert resolve({"a": text}) == ({"a": text}, [])


def shapes(secret: str) -> dict[str, str]:
    """What a secret looks like in headers, addresses and bodies."""
    return {
        "raw": secret,
        "path": quote(secret),
        "query": quote(secret, safe=""),
        "form": quote_plus(secret),
        "json": json.dumps(secret)[1:-1],
        "json with letters": json.dumps(secret, ensure_ascii=False)[1:-1],
    }


@pytest.mark.parametrize("shape", shapes(SECRET))
def test_f24_a_secret_is_hidden_in_every_shape(shape: str) -> None:
    """However it was encoded on the way, it does not reach a recording."""
    text = shapes(SECRET)[shape]
    assert redactor([SECRET])(f"a {text} b {text}") == f"a {HIDDEN} b {HIDDEN}"


@settings(deadline=None)
@given(
    secret=st.text(min_size=SHORTEST, max_size=20),
    before=st.binary(max_size=7),
    after=st.binary(max_size=7),
    url_safe=st.booleans(),
)
def test_f24_a_secret_is_hidden_in_base64_at_every_offset(
    secret: str, before: bytes, after: bytes, url_safe: bool
) -> None:
    """``user:secret`` in base64 shows the secret's middle in one of three ways: all are hidden."""
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    raw = secret.encode()
    text = encode(before + raw + after).decode()
    hidden = redactor([secret])(text)
    assert HIDDEN in hidden
    # What is left cannot be enough to tell the secret: at most one byte at either end is partly there.
    left = max(hidden.split(HIDDEN), key=len)
    assert len(left) <= len(encode(before)) + len(encode(after)) + 4


@settings(deadline=None)
@given(st.text(min_size=SHORTEST, max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_f24_no_text_keeps_a_secret(secret: str, before: str, after: str) -> None:
    """Whatever stands around it, the secret is gone, in every shape."""
    hide = redactor([secret])
    for text in shapes(secret).values():
        assert HIDDEN in hide(before + text + after)
        assert (
            text not in hide(before + text + after).replace(HIDDEN, "")
            or text in HIDDEN
            or text in before + after
        )


def test_the_longest_secret_is_hidden_first() -> None:
    """A secret that begins with another leaves no tail."""
    assert redactor(["abcdef", "abcdefghi"])("x abcdefghi y abcdef") == f"x {HIDDEN} y {HIDDEN}"


def test_short_secrets_are_not_searched_for() -> None:
    """A secret of a few letters would hide ordinary words."""
    assert redactor(["x" * (SHORTEST - 1), ""])("xxxxx yes") == "xxxxx yes"
    assert redactor(["x" * SHORTEST])("xxxxxx yes") == f"{HIDDEN} yes"
    assert redactor([])("anything") == "anything"


def test_other_texts_are_left_alone() -> None:
    """Words that only share letters with a secret stay."""
    text = "The password policy is public: p/w+d is short."
    assert redactor([SECRET])(text) == text


def test_nested_values_are_redacted_keys_too() -> None:
    """A service may echo a secret anywhere; numbers, nulls and the form of the value stay."""
    hide = redactor([SECRET])
    value = {"a": [SECRET, {"b": (f"x{SECRET}", 1)}], SECRET: None, "n": 2.5, "t": True}
    assert redact(value, hide) == {"a": [HIDDEN, {"b": (f"x{HIDDEN}", 1)}], HIDDEN: None, "n": 2.5, "t": True}


@pytest.mark.parametrize("text", ["${secret:my-var}", "${env:}", "${secret}", "x ${env:A B} y", "${secret:A"])
def test_a_malformed_reference_is_refused(text: str) -> None:
    """What is meant as a reference is never sent as it stands."""
    with pytest.raises(UsageError, match="write \\$\\{env:NAME\\}"):
        resolve({"headers": {"Authorization": text}})
