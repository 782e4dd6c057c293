"""Tests of harness.systems.http_status."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.systems.http_status import status_failure
from harness.unpacking import retry_after_s

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Fri, 15 Jan 2027 08:01:30 GMT", 90.0),
        ("Fri, 15 Jan 2027 08:01:30 -0000", 90.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("²", None),
    ],
)
def test_f2_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    """Whole seconds or an HTTP date, never below 0; anything else is no wish."""
    assert retry_after_s(value, NOW) == seconds


@given(st.text(max_size=40))
def test_f2_any_retry_after_is_read(value: str) -> None:
    """No header value makes reading it fail."""
    seconds = retry_after_s(value, NOW)
    assert seconds is None or seconds >= 0


def test_f3_only_the_start_of_a_page_is_shown() -> None:
    """The message holds the first 200 characters of the page, escaped."""
    assert len(status_failure(500, "é\n" * 5000, None).message) < 260
