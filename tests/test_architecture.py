"""Who may import whom: arrows point down only, no cycles, and the command line opens fast."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "harness"

GROUND = {"types", "errors", "numbers", "numerals", "language", "directed", "cases"}
NAMES = {"registry"}
"""Names to functions, as strings: imports the ground, and nothing that it names."""
CORE = {
    "slices",
    "shards",
    "variants",
    "robustness",
    "accounting",
    "comparison",
    "pairing",
    "limits",
    "measurement",
    "attribution",
    "fairness",
    "findings",
    "regressions",
    "headline",
    "planning",
    "trust",
    "judged",
    "judge_calls",
    "foresight",
    "rehearsal",
    "planting",
    "pooling",
    "calibration",
    "tails",
    "freshness",
    "gates",
    "candidates",
}
REACHED_BY_NAME = {"metrics", "systems"}
EDGES = {
    "goldens",
    "suites",
    "recordings",
    "baselines",
    "labels",
    "places",
    "engine",
    "formats",
    "systems",
    "judges",
    "cache",
    "spool",
    "unpacking",
    "openai_service",
    "deadlines",
    "store",
    "report",
    "secrets",
}
FACES = {"commands", "cli", "__main__"}
ALLOWED = {
    **dict.fromkeys(GROUND - {"types"}, GROUND),
    "types": set(),
    "registry": GROUND,
    "stats": {"types"},
    "metrics": GROUND | NAMES,
    **{part: GROUND | CORE | {"stats"} for part in CORE},
    **dict.fromkeys(EDGES, GROUND | NAMES),
    "suites": GROUND | NAMES | {"goldens", "slices"},  # for the schema: the fields of goldens, what slices
    "baselines": GROUND | {"recordings"},  # a baseline is a recording and its lock
    "store": GROUND | NAMES | {"recordings"},  # results are loaded as they stand there
    "goldens": GROUND | NAMES | {"spool"},
    "recordings": GROUND | NAMES | {"spool"},
    "labels": GROUND | {"recordings"},  # for writing files whole
    "judges": GROUND | NAMES | {"cache", "unpacking", "openai_service", "deadlines"},  # as systems have them
    "systems": GROUND | NAMES | {"spool", "unpacking", "openai_service"},
    "engine": GROUND | NAMES | {"deadlines"},
    "api": GROUND | NAMES | CORE | EDGES | {"stats", "metrics"},  # rankings of whole runs are scored directly
    "commands": GROUND | NAMES | CORE | EDGES | {"stats", "api"},
    "cli": GROUND | NAMES | {"report", "commands"},
    "__main__": {"cli"},
    "__init__": {"registry", "types", "errors"},  # public names, loaded when asked for
}
"""Each part of the package to the other parts that it may import."""

HEAVY = {
    "numpy",
    "scipy",
    "sklearn",
    "pandas",
    "duckdb",
    "jinja2",
    "openai",
    "aiohttp",
    "httpx",
    "datasets",
    "ragas",
    "ray",
    "yaml",
    "rich",
}


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        if "starter" in path.relative_to(ROOT).parts:  # files of a new project, not of the package
            continue
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def part_of(module: str) -> str:
    """``harness.gates.drop`` belongs to ``gates``; the package itself is ``__init__``."""
    return module.split(".")[1] if "." in module else "__init__"


def imports(path: Path, *, inside_functions: bool = True) -> Iterator[tuple[str, int]]:
    """What a file imports when it runs, with the line; what only the type checker sees is left out."""
    waiting: list[ast.AST] = [ast.parse(path.read_bytes())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not inside_functions:
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:  # `from harness.commands import terminal` imports the module terminal
                yield (name if name in modules() else node.module or "", node.lineno)


def ours(path: Path, *, inside_functions: bool = True) -> Iterator[tuple[str, int]]:
    """The modules of the package that a file imports."""
    for name, line in imports(path, inside_functions=inside_functions):
        if name.partition(".")[0] == "harness":
            assert name in modules(), f"{path}:{line}: no module {name}"
            yield name, line


def test_every_part_has_its_place() -> None:
    """A new file or folder needs a line in the table, and a part that is gone leaves none."""
    assert {part_of(module) for module in modules()} == set(ALLOWED)


@pytest.mark.parametrize("part", ALLOWED)
def test_arrows_point_down_only(part: str) -> None:
    """Ground below core and edges, core and edges apart, ``api`` above both, faces above all."""
    wrong = [
        f"{path.relative_to(ROOT.parent)}:{line} imports {target}"
        for module, path in modules().items()
        if part_of(module) == part
        for target, line in ours(path)
        if target != "harness" and part_of(target) not in ALLOWED[part] | {part}
    ]
    assert wrong == []


def test_the_table_says_what_the_design_says() -> None:
    """The rules that the table must keep, however it grows."""
    core = CORE | {"stats", "metrics"}
    for part in core:
        assert not ALLOWED[part] & (EDGES | FACES | {"api"}), part
    for part in EDGES:
        assert not ALLOWED[part] & (FACES | {"api", "stats", "metrics"}), part
        others = ALLOWED[part] & EDGES - {part}
        known = {"suites": {"goldens"}, "baselines": {"recordings"}, "labels": {"recordings"}}
        called = {"unpacking", "openai_service"}
        known |= {"judges": called | {"cache", "deadlines"}, "systems": called | {"spool"}}
        known |= {"engine": {"deadlines"}, "store": {"recordings"}}
        known |= {"goldens": {"spool"}, "recordings": {"spool"}}
        assert others == known.get(part, set()), part
    for part in GROUND | NAMES:
        assert ALLOWED[part] <= GROUND, part
    assert {part for part, below in ALLOWED.items() if "commands" in below} == {"cli"}
    assert {part for part, below in ALLOWED.items() if "cli" in below} == {"__main__"}
    assert {part for part, below in ALLOWED.items() if "api" in below} == {"commands"}


def test_suites_take_only_names_from_goldens() -> None:
    """The schema and its checks need to know which fields there are, and nothing that reads files."""
    taken = {
        target
        for module, path in modules().items()
        if part_of(module) == "suites"
        for target, _ in ours(path)
        if part_of(target) == "goldens"
    }
    assert taken == {"harness.goldens.fields"}


@pytest.mark.parametrize("part", sorted(REACHED_BY_NAME))
def test_metrics_and_systems_are_reached_by_name(part: str) -> None:
    """A metric or an adapter is named by the registry's table; only ``api`` opens systems."""
    users = {
        part_of(module)
        for module, path in modules().items()
        for target, _ in ours(path)
        if part_of(target) == part
    }
    assert users <= {part, "api"}


def test_there_are_no_import_cycles() -> None:
    """No module needs itself, not even through an import inside a function."""
    below = {
        module: {target for target, _ in ours(path) if target not in {module, "harness"}}
        for module, path in modules().items()
        if module != "harness"
    }
    # A package's __init__ gathers names from its files: that is no cycle as long as they do not use it.
    rest = set(below)
    while rest:
        free = {module for module in rest if not below[module] & rest}
        assert free, f"cycle among {sorted(rest)}"
        rest -= free


def test_the_core_touches_nothing_outside() -> None:
    """No files, network, clock, processes or database: what decides can be run anywhere."""
    outside = {
        "os",
        "io",
        "pathlib",
        "subprocess",
        "socket",
        "time",
        "datetime",
        "asyncio",
        "threading",
        "shutil",
    }
    outside |= {"tempfile", "urllib", "http", "sqlite3", "logging", "duckdb", "aiohttp", "openai", "jinja2"}
    wrong = [
        f"{path.relative_to(ROOT.parent)}:{line} imports {name}"
        for module, path in modules().items()
        if part_of(module) in CORE | GROUND | {"stats", "metrics"}
        for name, line in imports(path)
        if name.partition(".")[0] in outside
    ]
    assert wrong == []


def test_f27_nothing_can_turn_data_into_code() -> None:
    """No pickle, no eval, no exec; the one import by name is the registry's."""
    found = set()
    for module, path in modules().items():
        found |= {
            (module, name) for name, _ in imports(path) if name in {"pickle", "marshal", "shelve", "dill"}
        }
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found |= {(module, node.func.id)} if node.func.id in {"eval", "exec", "__import__"} else set()
            elif isinstance(node, ast.Attribute) and node.attr == "import_module":
                found.add((module, "import_module"))
    assert found == {("harness.registry", "import_module")}


@pytest.mark.parametrize("module", sorted({"harness.cli", "harness.types", "harness.registry"}))
def test_what_opens_the_door_imports_nothing_heavy(module: str) -> None:
    """The files behind ``harness --help`` name no heavy package at their top."""
    names = {name.partition(".")[0] for name, _ in imports(modules()[module], inside_functions=False)}
    assert not names & HEAVY


def loaded(*command: str) -> set[str]:
    """The packages that Python loads for a command, by its own account."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command], capture_output=True, text=True, check=True, timeout=60
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    assert lines
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@pytest.mark.parametrize(
    "command", [("-c", "import harness.cli"), ("-m", "harness", "--help"), ("-m", "harness", "--version")]
)
def test_the_door_opens_fast(command: tuple[str, ...]) -> None:
    """Asking for help loads none of the heavy packages."""
    assert loaded(*command) & HEAVY == set()
