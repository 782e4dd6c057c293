"""Metrics, systems and adapters of the user's own are named in a suite; reading it imports none of them."""

import subprocess
import sys
from pathlib import Path

import pytest
from suite_files import changed, load, told, with_system

from harness.errors import SuiteError
from harness.suites.suite import choose_system


def own_code(folder: Path) -> str:
    """A suite that names the user's own code wherever it can, and that code, which must not be imported."""
    (folder / "planted.py").write_text('from pathlib import Path\nPath("imported").write_text("")\n')
    info = folder / "planted-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[harness.metrics]\ntone = planted:tone\n[harness.systems]\nmine = planted:connect\n"
    )
    (folder / "cases.jsonl").write_text('{"id": "c1", "input": "x"}\n')
    (folder / "conftest.py").write_text('raise SystemExit("imported")\n')
    return changed(
        ("latency_s]", 'latency_s, "planted:metric", "planted:cut@5", tone]'),
        ("    min: 0.5\n", "    min: 0.5\n  - { id: named, metric: tone, cases: [c1] }\n"),
    )


def run_validate(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """``harness validate`` in a process of its own, with the folder on its path."""
    (folder / "suite.yaml").write_text(text)
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); from harness.cli import main; main()"
    command = [sys.executable, "-c", code, "validate", "suite.yaml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_f27_validate_imports_none_of_the_users_code(tmp_path: Path) -> None:
    """Metrics by path, metrics of installed packages and functions to ask are named, not imported."""
    text = own_code(tmp_path).replace("adapter: http\n", "adapter: python\n")
    text = text.replace("  url: http://localhost/ask\n", '  target: "planted:answer"\n')
    done = run_validate(tmp_path, text)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "imported").exists()


@pytest.mark.parametrize("adapter", ["planted:connect", "mine"])
def test_f27_a_suite_is_read_without_an_adapter_of_the_users_own(tmp_path: Path, adapter: str) -> None:
    """The options of such an adapter are checked when it is run."""
    (tmp_path / "suite.yaml").write_text(
        own_code(tmp_path).replace("adapter: http\n", f'adapter: "{adapter}"\n')
    )
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, '.');"
        "from harness.suites.suite import load_suite; load_suite(Path('suite.yaml'))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "imported").exists()


@pytest.mark.parametrize("adapter", ["planted:connect", "mine"])
def test_f27_validate_imports_no_adapter_of_the_users_own(tmp_path: Path, adapter: str) -> None:
    """``harness validate`` is safe on a suite that nobody has read yet."""
    done = run_validate(tmp_path, own_code(tmp_path).replace("adapter: http\n", f'adapter: "{adapter}"\n'))
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "imported").exists()


def test_an_adapter_of_the_users_own_is_checked_when_it_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its keyword options are checked like those of ours; what has no type may be anything."""
    (tmp_path / "own_adapter.py").write_text(
        "from contextlib import asynccontextmanager\nfrom pathlib import Path\n"
        "@asynccontextmanager\n"
        "async def connect(*, index: Path, top_k: int = 5, tags: list[str] = [], loose=None):\n"
        "    yield lambda query: query.input\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    file = load(tmp_path, with_system('{ adapter: "own_adapter:connect", index: a/b, loose: { x: 1 } }'))
    options = choose_system(file, "").options
    assert options == {"index": (tmp_path / "a/b").resolve(), "top_k": 5, "tags": [], "loose": {"x": 1}}
    file = load(tmp_path, with_system('{ adapter: "own_adapter:connect", top_k: many, topk: 1 }'))
    with pytest.raises(SuiteError) as caught:
        choose_system(file, "")
    assert [entry.partition(" |")[0] for entry in told(caught.value.faults)] == [
        "5:56 unknown key 'topk' in system",
        "5:9 key 'index' is missing in system",
        "5:50 'system.top_k': expected `int`, got `str`",
    ]
