"""``harness doctor``: is everything there that a run needs?"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from harness.commands import terminal

CORE = (
    "aiohttp",
    "click",
    "duckdb",
    "jinja2",
    "msgspec",
    "numpy",
    "pandas",
    "pyyaml",
    "rich",
    "scipy",
)
EXTRAS = {"openai": "openai", "ragas": "ragas", "datasets": "datasets", "ml": "sklearn", "ray": "ray"}
LITTLE_SPACE = 500_000_000


@click.command()
@terminal.reports_option
@terminal.cache_dir_option
@terminal.json_option
def doctor(reports: Path, cache_dir: Path | None, as_json: bool) -> int:
    """Check versions, extras, the reports folder, the database, caches, disk space and the terminal."""
    import json

    from harness import __version__
    from harness.places import Places

    facts: dict[str, str] = {
        "harness": __version__,
        "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
    }
    facts |= {name: _version(name) for name in CORE}
    for extra, module in EXTRAS.items():
        found = importlib.util.find_spec(module) is not None
        facts[f"extra {extra}"] = "installed" if found else f"pip install 'rag-regression-harness[{extra}]'"
    faults: list[str] = [f"{name} is missing" for name in CORE if facts[name] == "missing"]
    facts["reports folder"] = _check_folder(reports, faults)
    facts["database"] = _check_store(reports, faults)
    places = Places(reports, cache_dir)
    facts["cache of answers"] = _cache_facts(places.response_cache)
    facts["cache of verdicts"] = _cache_facts(places.judge_cache)
    facts["terminal"] = (
        f"{terminal.terminal_width()} columns, {sys.stdout.encoding},"
        f" {'colour' if terminal.wants_color() else 'no colour'}"
    )
    facts["continuous integration"] = "yes" if os.environ.get("CI") else "no"
    if as_json:
        terminal.print_json(json.dumps({"facts": facts, "faults": faults}, ensure_ascii=False))
    else:
        for name, value in facts.items():
            terminal.say(f"{name:<24} {value}")
        for fault in faults:
            terminal.say(f"fault: {fault}", err=True)
        if not faults:
            click.echo("all is well")
    return 4 if faults else 0


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _check_folder(reports: Path, faults: list[str]) -> str:
    folder = reports
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        faults.append(f"{folder} is not writable")
        return "not writable"
    free = shutil.disk_usage(folder).free
    if free < LITTLE_SPACE:
        faults.append(f"only {free // 1_000_000:,} MB are free in {folder}")
    return f"writable, {free / 1e9:,.1f} GB free"


def _check_store(reports: Path, faults: list[str]) -> str:
    from harness.errors import StoreError
    from harness.places import Places
    from harness.store.store import Store

    path = Places(reports).store
    if not path.is_file():
        return "none yet"
    try:
        with Store(path, read_only=True) as store:
            return f"{len(store.runs())} runs, {path.stat().st_size / 1e6:,.1f} MB"
    except StoreError as error:
        faults.append(str(error))
        return "faulty"


def _cache_facts(folder: Path) -> str:
    from harness.cache import measure
    from harness.places import shown_path
    from harness.types import RunSettings

    if not folder.is_dir():
        return "none yet"
    held = measure(folder)
    entries = f"{held.entries:,} entr{'y' if held.entries == 1 else 'ies'}"
    size = f"{held.bytes / 1e6:,.1f} of {RunSettings().cache_mb:,.10g} MB (default)"
    return f"{shown_path(folder)}: {entries}, {size}"
