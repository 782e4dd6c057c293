"""The options of an adapter of the user's own, read from its signature."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from harness.suites.decode import options_type

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def connect(
    *,
    url: str,
    languages: list[str] = ["en"],  # noqa: B006 -- a default as a user may write it
    data: Path = Path("data"),
    unknown: Undefined = None,  # noqa: F821 -- a name that only a type checker knows
) -> Iterator[None]:
    """Yields nothing."""
    yield None


def test_defaults_are_those_of_the_signature() -> None:
    """A list or mapping keeps its content, and every use has one of its own."""
    first, second = (options_type(connect, "own")(url="x") for _ in range(2))
    assert (first.languages, first.data) == (["en"], Path("data"))
    first.languages.append("de")
    assert second.languages == ["en"]


def test_types_that_cannot_be_resolved_may_be_anything() -> None:
    """What stands under TYPE_CHECKING does not keep the rest from being checked."""
    types = {field.name: field.type for field in msgspec.structs.fields(options_type(connect, "own"))}
    assert types["url"] is str
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"url": 5}, options_type(connect, "own"))
