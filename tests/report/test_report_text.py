"""The console report: what stands first, what fits, and that data stays data."""

from __future__ import annotations

import re
import unicodedata

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample import sample, sample_alone
from sample_cases import HOSTILE
from saturate import saturate

from harness.report.text import cells, render
from harness.types import Report, Verdict

COPIED = ("  one case", "  report", "  store")
"""Lines that are copied from the console: they stand on one line however long they are."""


def _lines(report: Report, width: int = 80, *, color: bool = False, ascii_only: bool = False) -> list[str]:
    return render(report, width, color, ascii_only).splitlines()


def test_verdict_stands_before_everything_else() -> None:
    """After one line that names the run comes the verdict, then the worst finding, then where."""
    found = [line for line in _lines(sample()) if line]
    at = found.index("FAILED — 2 of 7 gates. Do not merge.")
    assert found[at + 1].startswith("  faithfulness fell 0.912 → 0.871")
    assert any(line.startswith("  31 of the 61 are in language=de") for line in found[at + 2 : at + 5])


def test_failed_gates_stand_first_then_inconclusive() -> None:
    """The order is failed, inconclusive, passed, each in suite order."""
    text = "\n".join(_lines(sample()))
    marks = re.findall(r"^  ([✕◆✓]) (\S+)", text, re.MULTILINE)
    assert [mark for mark, _ in marks] == ["✕", "✕", "◆", "✓", "✓", "✓"]
    assert [gate for _, gate in marks] == ["faith", "lang-gap", "refuse", "recall", "latency", "complete"]


def test_passed_gates_beyond_six_are_folded_to_a_count() -> None:
    """Seven gates: six stand, the last passed one is counted."""
    assert "  (1 more gate passed)" in _lines(sample())


def test_gates_that_did_not_pass_are_never_folded() -> None:
    """Twenty failed gates are twenty rows."""
    failed = tuple(Verdict(f"g{i}", "≥ 0.9", "fail", "too low", "faithfulness") for i in range(20))
    text = "\n".join(_lines(msgspec.structs.replace(sample(), verdicts=failed)))
    assert len(re.findall(r"^  ✕ g\d+", text, re.MULTILINE)) == 20
    assert "more gate" not in text


def test_what_was_not_scored_is_counted_by_cause() -> None:
    """The line names every cause, and its sum is what is missing from the selected cases."""
    text = " ".join(" ".join(_lines(sample())).split())
    assert "not scored 4: 1 system error · 1 timeout · 1 not run · 1 judge error" in text
    parts = sample().accounting
    assert parts.answered + parts.system_error + parts.timeout + parts.missing == parts.selected


def test_a_complete_run_says_nothing_of_unscored_cases() -> None:
    """No line where there is nothing to say."""
    complete = msgspec.structs.replace(
        sample().accounting, answered=1204, system_error=0, timeout=0, missing=0
    )
    report = msgspec.structs.replace(sample(), accounting=msgspec.structs.replace(complete, judge_error=0))
    assert not [line for line in _lines(report) if "not scored" in line]


def test_the_command_for_one_case_is_whole() -> None:
    """The reproduce command stands on one line with the worst case in it."""
    wanted = "harness run suites/support.yaml --case refund-017 --candidate pr-412 --no-cache"
    assert any(line.endswith(wanted) for line in _lines(sample(), 60))


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("build", [sample, sample_alone])
def test_lines_keep_to_the_width(width: int, build: type) -> None:
    """No line is wider than the terminal, but those that are copied; wide characters count as two."""
    for line in _lines(build(), width):
        assert cells(line) <= width or line.startswith(COPIED)


def test_wide_characters_count_as_two_columns() -> None:
    """Japanese letters take two columns, combining marks none."""
    assert cells("日本") == 4
    assert cells("e\u0301") == 1


def test_colour_is_ours_alone() -> None:
    """Without colour there is no escape; with it there are only the few that we write."""
    assert "\x1b" not in render(sample(), 80, False, False)
    codes = set(re.findall(r"\x1b\[[^m]*m", render(sample(), 80, True, False)))
    assert codes == {"\x1b[1;31m", "\x1b[1;33m", "\x1b[1;36m", "\x1b[0m"}


def test_colour_changes_nothing_else() -> None:
    """The coloured text without its codes is the plain text."""
    painted = re.sub(r"\x1b\[[\d;]*m", "", render(sample(), 80, True, False))
    assert painted == render(sample(), 80, False, False)


def test_ascii_only_holds_no_other_character() -> None:
    """What ASCII cannot say becomes an escape; the report stays whole."""
    text = render(saturate(sample(), "日本"), 80, False, True)
    assert text.isascii()
    assert "FAILED" in text
    assert "\\u65e5" in text


def test_f19_terminal_sequences_are_shown_not_sent() -> None:
    """Escape sequences and markup of other tools in the data are visible text."""
    text = render(saturate(sample(), HOSTILE), 80, False, False)
    assert "\\x1b[31mred" in text
    assert "\x1b" not in text


def test_f20_no_line_commands_a_ci_runner() -> None:
    """No line starts with two colons, and no line holds a marked command."""
    for line in _lines(saturate(sample(), "\n::error::x ##[group]")):
        assert not line.strip().startswith("::")
        assert "##[" not in line


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=st.characters()), st.integers(20, 130), st.booleans())
def test_f5_any_text_can_be_printed(text: str, width: int, ascii_only: bool) -> None:
    """Any text in every field gives lines without controls that any stream of the kind can take."""
    shown = render(saturate(sample(), text), width, False, ascii_only)
    shown.encode("ascii" if ascii_only else "utf-8")
    assert not [char for char in shown if unicodedata.category(char) == "Cc" and char != "\n"]
    assert not [line for line in shown.split("\n") if line.strip().startswith("::")]


def test_what_an_early_stop_saved_is_told() -> None:
    """At which look and why, cases, and calls made and saved; a run that had no look says nothing of it."""
    report = sample()
    text = " ".join(" ".join(_lines(report)).split())
    assert (
        "early stop stopped at look 3 of 4 (gates faith and lang-gap failed): 1,204 of 1,505 cases asked,"
        " 1,203 calls made, 301 saved (20 %)"
    ) in text
    assert text.startswith("suite support-assistant · 1,204 of 1,505 cases")
    assert "early stop" not in "\n".join(_lines(sample_alone()))


def test_a_run_that_was_looked_at_to_the_end_says_that_nothing_was_saved() -> None:
    """Looks that did not stop it are told; an interrupted run is not said to be whole."""
    parts = msgspec.structs.replace(sample().accounting, stop=None, saved=0)
    whole = msgspec.structs.replace(parts, answered=1202, missing=0)
    run = msgspec.structs.replace(sample().run, n_cases=1204)
    told = [
        " ".join(" ".join(_lines(msgspec.structs.replace(sample(), run=run, accounting=found))).split())
        for found in (whole, parts)
    ]
    assert "no early stop at 4 looks: all 1,204 cases asked, 1,204 calls made, none saved" in told[0]
    assert "early stop" not in told[1]
