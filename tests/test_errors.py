"""Errors end in the right exit code, say where and how to mend, and know the nearest name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import errors
from harness.errors import (
    BudgetSpent,
    ExitCode,
    Fault,
    GoldenError,
    HarnessError,
    MissingExtra,
    NotComparable,
    NothingSelected,
    Place,
    RecordingError,
    StoreError,
    SuiteError,
    SystemFailure,
    UsageError,
    did_you_mean,
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (HarnessError, ExitCode.FAULT),
        (UsageError, ExitCode.INVALID),
        (SuiteError, ExitCode.INVALID),
        (GoldenError, ExitCode.INVALID),
        (MissingExtra, ExitCode.INVALID),
        (NothingSelected, ExitCode.EMPTY),
        (NotComparable, ExitCode.INCONCLUSIVE),
        (BudgetSpent, ExitCode.INCONCLUSIVE),
        (RecordingError, ExitCode.FAULT),
        (StoreError, ExitCode.FAULT),
    ],
)
def test_every_error_ends_in_its_exit_code(kind: type[HarnessError], code: ExitCode) -> None:
    """The tree in the docstring and the exit codes are one thing."""
    assert issubclass(kind, HarnessError)
    assert kind.exit_code is code
    assert kind.__name__ in (errors.__doc__ or "")


def test_exit_codes_are_what_the_documentation_says() -> None:
    """The numbers never change: scripts rely on them."""
    assert {code.name: int(code) for code in ExitCode} == {
        "PASSED": 0,
        "FAILED": 1,
        "INVALID": 2,
        "INCONCLUSIVE": 3,
        "FAULT": 4,
        "EMPTY": 5,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault("what"), "what"),
        (Fault("what", mend="mend"), "what: mend"),
        (Fault("what", Place("a.yaml")), "a.yaml: what"),
        (Fault("what", Place("a.yaml", 3), "mend"), "a.yaml:3: what: mend"),
        (Fault("what", Place("a.yaml", 3, 7), "mend"), "a.yaml:3:7: what: mend"),
    ],
)
def test_a_fault_is_one_line(fault: Fault, text: str) -> None:
    """Place, what and mend, as far as they are known, in the form that editors jump to."""
    assert str(fault) == text


def test_an_error_holds_one_fault_or_many() -> None:
    """One fault may be given in parts; the message has a line for each."""
    one = SuiteError("what", Place("a.yaml", 1), "mend")
    assert one.faults == (Fault("what", Place("a.yaml", 1), "mend"),)
    many = GoldenError([Fault("first"), Fault("second", mend="mend")])
    assert str(many) == "first\nsecond: mend"


def test_a_missing_package_says_how_to_get_it() -> None:
    """The mend can be pasted."""
    (fault,) = MissingExtra("datasets", "datasets", "reading 'x'").faults
    assert fault.what == "reading 'x' needs the package 'datasets', which is not installed"
    assert fault.mend == "pip install 'rag-regression-harness[datasets]'"


def test_a_failed_call_says_whether_to_try_again() -> None:
    """The engine retries what says so, and waits as long as the server wants."""
    failure = SystemFailure("http_status", "503", retry=True, retry_after_s=2.0)
    assert (failure.kind, str(failure), failure.retry, failure.retry_after_s) == (
        "http_status",
        "503",
        True,
        2.0,
    )
    assert not isinstance(failure, HarnessError)


@pytest.mark.parametrize(
    ("wrong", "valid", "text"),
    [
        ("asert", ["assert", "metric"], "did you mean 'assert'?"),
        ("zzz", ["b", "a"], "valid names: a, b"),
        ("zzz", [], ""),
        ("", ["a"], "valid names: a"),
    ],
)
def test_the_nearest_name_or_all_of_them(wrong: str, valid: list[str], text: str) -> None:
    """A near name is proposed; otherwise the valid names are listed, sorted."""
    assert did_you_mean(wrong, valid) == text


def test_many_names_are_not_all_listed() -> None:
    """The ids of ten thousand cases do not belong into a message."""
    text = did_you_mean("zzz", [f"case-{number:05}" for number in range(10_000)])
    assert text.count(",") == 30
    assert text.endswith("case-00029 and 9,970 more")


@settings(deadline=None)
@given(st.lists(st.text(min_size=1), min_size=1, max_size=20, unique=True), st.data())
def test_a_valid_name_is_its_own_nearest(names: list[str], data: st.DataObject) -> None:
    """What is right already is never turned into something else."""
    name = data.draw(st.sampled_from(names))
    assert did_you_mean(name, names) == f"did you mean {name!r}?"
