"""What makes a system the one that it is, beyond its options: its code, and what its files hold."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from harness.secrets import resolve
from harness.suites.suite import SystemChoice
from harness.types import Run

MODULE_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
FORM = 1
"""Version of how the adapters of this package ask and read: a change of theirs makes it another system."""
LANGUAGES = {".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".php", ".pl", ".lua", ".sh", ".R", ".jl"}
"""How files of code end that is run as it is; what is compiled is one file, named itself."""
_NO_CODE = {"__pycache__", "node_modules", "site-packages"}


def code_files(system: SystemChoice) -> dict[str, Path]:
    """The source file of every ``module:attribute`` option, and every file that a command names.

    Only that one file of a module is fingerprinted; what it imports is told by the run's revision.
    """
    found: dict[str, Path] = {}
    for name, value in {"adapter": system.adapter, **system.options}.items():
        if isinstance(value, str) and MODULE_PATH.fullmatch(value):
            try:
                spec = importlib.util.find_spec(value.partition(":")[0])
            except Exception:  # noqa: BLE001, S112 -- told with its place when it is imported
                continue
            if spec is not None and spec.origin is not None:
                found[name] = Path(spec.origin)
        elif isinstance(value, list):
            folder = system.options.get("cwd") or Path.cwd()
            found |= {
                f"{name}.{index}": folder / part
                for index, part in enumerate(value)
                if isinstance(part, str) and not Path(part).is_absolute()  # an interpreter is not the system
            }
    return found


def system_key(run: Run, system: SystemChoice) -> str:
    """Say what system answers: all that a run's fingerprint says, and what of it that leaves out.

    That is what ``${env:NAME}`` stands for, the files in folders that it names, and its code: every file
    below the current folder in the languages of those that are named.

    Raises:
        UsageError: an environment variable is not set.
    """
    plain = {name: value for name, value in system.options.items() if name not in system.files}
    folders = {name: path for name, path in system.files.items() if path.is_dir() and name != "cwd"}
    said = {
        "form": FORM,
        "fingerprint": run.system_fingerprint,
        "options": resolve(plain, keep_secrets=True)[0],
        "folders": {name: _digest_of(_files_below(path), path) for name, path in folders.items()},
        "code": _code_digest(code_files(system).values()),
    }
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()


def _code_digest(named: Iterable[Path]) -> str:
    files = [path.resolve() for path in named if path.is_file()]
    here = Path.cwd().resolve()
    roots = sorted({here if path.is_relative_to(here) else path.parent for path in files})
    suffixes = {path.suffix for path in files} & LANGUAGES
    return "".join(
        _digest_of((file for file in _files_below(root) if file.suffix in suffixes), root) for root in roots
    )


def _files_below(folder: Path) -> Iterator[Path]:
    """Every file in a fixed order; hidden folders, environments and what is installed are left out."""
    for where, folders, names in os.walk(folder):
        inside = Path(where)
        wanted = [name for name in folders if not name.startswith(".") and name not in _NO_CODE]
        folders[:] = sorted(name for name in wanted if not (inside / name / "pyvenv.cfg").exists())
        yield from (inside / name for name in sorted(names))


def _digest_of(files: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes() if file.is_file() else b""
        digest.update(os.fsencode(file.relative_to(root)) + b"\0%d\0" % len(content))
        digest.update(content)
    return digest.hexdigest()
