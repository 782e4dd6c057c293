"""Names to functions: built-in, by path, installed; unknown ones are told with the nearest."""

import inspect
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.registry import METRICS, SYSTEMS, find_metric, find_system, installed, load_object, metric
from harness.types import Case, Metric, Query, Response, Score


@pytest.mark.parametrize("name", METRICS)
def test_every_built_in_metric_is_what_its_name_says(name: str) -> None:
    """The table's name, the mark's name and the name in a suite are one; the first line says what it is."""
    made = load_object(METRICS[name], "metric")
    assert isinstance(made, Metric)
    assert made.name == name
    found = find_metric(f"{name}@5" if made.cutoff else name)
    assert found.name == (f"{name}@5" if made.cutoff else name)
    assert found.version >= 1
    assert found.doc
    assert found.high is None or found.high > found.low


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_built_in_adapter_has_options_that_can_be_checked(name: str) -> None:
    """``connect(*, option: type = default)``: keyword only, each with a type."""
    parameters = inspect.signature(inspect.unwrap(find_system(name))).parameters.values()
    assert parameters
    for parameter in parameters:
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.annotation is not inspect.Parameter.empty


@pytest.mark.parametrize(
    ("name", "what", "mend"),
    [
        ("recal@5", "unknown metric 'recal'", "did you mean 'recall'?"),
        ("zzzzzz", "unknown metric 'zzzzzz'", "valid names: "),
        ("", "unknown metric ''", "valid names: "),
        ("recall", "metric 'recall' needs a cut-off", "for example recall@5"),
        ("latency_s@5", "metric 'latency_s' takes no cut-off", "write 'latency_s'"),
        *(
            (f"recall@{cut}", f"cut-off '{cut}' of metric 'recall@{cut}' is not a whole number above 0", "")
            for cut in ("", "0", "-1", "05", "5.0", "x", "5@5", "٥", " 5", "1_0", "9" * 5000)
        ),
        ("harness.errors:Place", "'harness.errors:Place' is not a metric", "mark the function with @metric"),
        ("no_such_module:x", "metric 'no_such_module:x': no module named 'no_such_module'", "install it"),
        ("harness.no_such:x", "no module named 'harness.no_such'", "run from your project's folder"),
        ("harness.errors:Plaze", "harness.errors has no 'Plaze'", "did you mean 'Place'?"),
        ("harness.errors:Place.fil", "harness.errors has no 'fil'", "did you mean 'file'?"),
        (":x", "metric ':x' is not of the form 'module:attribute'", ""),
        ("harness.errors:", "is not of the form 'module:attribute'", ""),
        (".errors:x", "metric '.errors:x' is not of the form 'module:attribute'", ""),
    ],
)
def test_a_name_that_is_no_metric_is_told(name: str, what: str, mend: str) -> None:
    """What is wrong with the name, and the nearest right one."""
    with pytest.raises(UsageError) as caught:
        find_metric(name)
    (fault,) = caught.value.faults
    assert what in fault.what
    assert mend in fault.mend


def test_a_name_that_is_no_adapter_is_told() -> None:
    """Adapters are found like metrics."""
    with pytest.raises(UsageError, match=r"unknown adapter 'htp': did you mean 'http'\?"):
        find_system("htp")
    with pytest.raises(UsageError, match="SYSTEMS' is not callable: name a connect"):
        find_system("harness.registry:SYSTEMS")


@metric("cut", version=3, higher_is_better=False, high=None, unit="s", cutoff=True, needs=("corpus",))
def cut(case: Case, response: Response, *, corpus: None, k: int) -> Score:
    """First line.

    More.
    """
    return Score(value=float(k))


def test_a_mark_makes_a_metric() -> None:
    """What the mark says is what the metric has; the function gets its cut-off as ``k``."""
    assert (cut.name, cut.version, cut.doc, cut.unit) == ("cut", 3, "First line.", "s")
    assert (cut.high, cut.higher_is_better, cut.needs) == (None, False, ("corpus",))
    found = find_metric(f"{__name__}:cut@7")
    assert found.name == f"{__name__}:cut@7"
    assert found.score(Case(Query("c", "x")), Response(), corpus=None).value == 7.0


@settings(deadline=None)
@given(st.integers(1, 999_999_999))
def test_any_whole_number_above_zero_is_a_cut_off(k: int) -> None:
    """The full name is the identity: it is stored, shown and gated."""
    assert find_metric(f"recall@{k}").name == f"recall@{k}"


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that brings a metric and an adapter, and modules that cannot be imported."""
    info = tmp_path / "planted-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[harness.metrics]\nplanted_tone = planted_metrics:tone\nrecall = planted_metrics:tone\n"
        "[harness.systems]\nplanted = planted_metrics:connect\n"
    )
    (tmp_path / "planted_metrics.py").write_text(
        "from harness.registry import metric\n"
        "@metric('tone', version=1)\ndef tone(case, response):\n    '''Tone.'''\n"
        "def connect():\n    '''Connect.'''\n"
    )
    (tmp_path / "planted_broken.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_installed_packages_bring_metrics_and_adapters(planted: Path) -> None:
    """An entry point is found by its name, is proposed when mistyped, and never hides what is built in."""
    assert "planted_tone" in installed("harness.metrics")
    assert find_metric("planted_tone").doc == "Tone."
    assert find_system("planted").__doc__ == "Connect."
    assert find_metric("recall@5").doc != "Tone."
    with pytest.raises(UsageError, match=r"did you mean 'planted_tone'\?"):
        find_metric("planted_tune")


def test_f27_naming_what_is_installed_loads_none_of_it(planted: Path) -> None:
    """The names alone are enough to check a suite."""
    import sys

    sys.modules.pop("planted_metrics", None)
    assert installed("harness.systems") == ("planted",)
    assert "planted_metrics" not in sys.modules


def test_a_module_that_fails_to_import_says_so_itself(planted: Path) -> None:
    """What is missing inside the user's module is named, and where it is asked for."""
    with pytest.raises(
        UsageError, match="'planted_broken:x': no module named 'no_such_dependency'"
    ) as caught:
        load_object("planted_broken:x", "metric")
    assert caught.value.faults[0].place.file.endswith("planted_broken.py")


def test_a_module_that_raises_is_a_fault_with_its_place(planted: Path) -> None:
    """A syntax error or an exception at import ends in a fault, not in a traceback."""
    (planted / "planted_torn.py").write_text("x = 1\nx +\n", encoding="utf-8")
    (planted / "planted_angry.py").write_text("\nraise RuntimeError('no')\n", encoding="utf-8")
    for module, line, what in (("planted_torn", 2, "SyntaxError"), ("planted_angry", 2, "RuntimeError: no")):
        with pytest.raises(UsageError, match=what) as caught:
            load_object(f"{module}:x", "metric")
        place = caught.value.faults[0].place
        assert (Path(place.file).stem, place.line) == (module, line)


@settings(deadline=None)
@given(st.text(max_size=30).filter(lambda name: ":" not in name))
def test_any_name_is_found_or_told(name: str) -> None:
    """No text makes anything but a metric or a fault."""
    try:
        found = find_metric(name).name
    except UsageError:
        found = name
    assert found == name
