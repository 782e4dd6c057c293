"""answer_language and ends_complete: the form of an answer."""

from __future__ import annotations

import pytest

from harness.metrics.form import answer_language, ends_complete
from harness.types import Case, Query, Response

GERMAN = "Das Rad wird am Montag gebracht, und die Rechnung kommt mit der Post."
ENGLISH = "The bike will be brought on Monday, and the invoice is in the post."
JAPANESE = "自転車は月曜日に届きます。"


def language(output: str, wanted: str = "", question: str = "?") -> float | None:
    groups = {"language": wanted} if wanted else {}
    return answer_language.score(Case(Query("c", question), groups=groups), Response(output)).value


def ending(output: str) -> float | None:
    return ends_complete.score(Case(Query("c", "?")), Response(output)).value


@pytest.mark.parametrize(
    ("output", "wanted", "value"),
    [
        (GERMAN, "de", 1.0),
        (GERMAN, "de-AT", 1.0),
        (GERMAN, "en", 0.0),
        (ENGLISH, "en_GB", 1.0),
        (ENGLISH, "ja", 0.0),
        (JAPANESE, "ja", 1.0),
        (JAPANESE, "fr", 0.0),
        ("Je ne sais pas.", "fr", 1.0),
        ("Je ne sais pas.", "de", 0.0),
        ("42 EUR", "de", None),
        ("", "de", None),
    ],
)
def test_the_language_of_the_case_is_wanted(output: str, wanted: str, value: float | None) -> None:
    """As the golden says, whatever its region."""
    assert language(output, wanted) == value


def test_else_the_language_of_the_question() -> None:
    """Where its words show it; else nothing is said."""
    asked = "Was muss ich tun, wenn das Rad nicht mehr da ist und ich die Schlüssel noch habe?"
    assert language(GERMAN, question=asked) == 1.0
    assert language(ENGLISH, question=asked) == 0.0
    assert language(GERMAN, question="Rad weg?") is None
    assert language(GERMAN, wanted="tlh", question=asked) == 1.0


@pytest.mark.parametrize(
    ("output", "value"),
    [
        ("It is free.", 1.0),
        ('He said "no."', 1.0),
        ("**Is it free?**", 1.0),
        ("無料です。", 1.0),
        ("क्या यह मुफ़्त है।", 1.0),
        ("It is free (see the list.)", 1.0),
        ("The helmet is free and so are the", 0.0),
        ("It is free. You can", 0.0),
        ("It is free. It costs (as of", 0.0),
        ("無料です。ただし、予", 0.0),
        ("Run it:\n```\nls -l", 0.0),
        ("Run it:\n```\nls -l\n```", None),
        ("These are free:\n- bikes\n- helmets", None),
        ("# Prices", None),
        ("42 EUR", None),
        ("", None),
    ],
)
def test_an_answer_ends_or_breaks_off(output: str, value: float | None) -> None:
    """By its last line; where an end cannot be seen nothing is said."""
    assert ending(output) == value
