"""One suite file to a checked Suite: typed, meaningful, and with the line of every gate."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from harness.errors import Fault, Place, SuiteError, did_you_mean
from harness.registry import SYSTEMS, find_system
from harness.suites.choosing import check_choose
from harness.suites.decode import decode, is_path, options_type
from harness.suites.judging import check_judging
from harness.suites.meaning import check_meaning
from harness.suites.yaml import Document, KeyPath, load_yaml
from harness.types import Suite


class SuiteFile(NamedTuple):
    """A suite with where it came from; ``lines`` gives each gate's line by its id."""

    suite: Suite
    path: Path
    lines: dict[str, int]

    @property
    def folder(self) -> Path:
        """What relative paths in the suite are relative to."""
        return self.path.parent


class SystemChoice(NamedTuple):
    """One candidate's system: its adapter, its options as written, and as the adapter wants them."""

    candidate: str
    adapter: str
    written: dict[str, Any]
    options: dict[str, Any]
    files: dict[str, Path]


def load_suite(path: Path) -> SuiteFile:
    """Read and check a suite; nothing of the user's code is imported.

    Raises:
        SuiteError: every fault with line, column, and the nearest valid name.
    """
    document = load_yaml(path)
    faults: list[Fault] = []
    suite = decode(document.value, Suite, (), document, faults)
    if not faults:
        check_meaning(suite, document, faults)
        for check in (check_choose, check_judging):
            check(suite, lambda path, what, mend="": faults.append(Fault(what, document.place(path), mend)))
    if faults:
        raise SuiteError(faults)
    lines = {gate.id: document.places["gates", index].line or 1 for index, gate in enumerate(suite.gates)}
    file = SuiteFile(suite, path.resolve(), lines)
    said: set[tuple[str, Place | None]] = set()
    for candidate in ("", *suite.candidates):
        adapter = {**suite.system, **suite.candidates.get(candidate, {})}.get("adapter")
        found: list[Fault] = []
        if adapter in SYSTEMS:
            _choose(file, candidate, document, found)
        for fault in found:  # what a candidate takes from a faulty system is said once
            key = fault.what.replace(f"candidates.{candidate}", "system"), fault.place
            faults += [] if key in said else [fault]
            said.add(key)
    if faults:
        raise SuiteError(faults)
    return file


def choose_system(file: SuiteFile, candidate: str) -> SystemChoice:
    """Give the system of a candidate; the empty name is the suite's own system.

    Raises:
        SuiteError: no such candidate, or options that do not fit an adapter of the user's own.
    """
    if candidate and candidate not in file.suite.candidates:
        raise SuiteError(
            f"no candidate {candidate!r} in the suite", mend=did_you_mean(candidate, file.suite.candidates)
        )
    faults: list[Fault] = []
    choice = _choose(file, candidate, load_yaml(file.path), faults)
    if faults or choice is None:
        raise SuiteError(faults)
    return choice


def _choose(file: SuiteFile, candidate: str, document: Document, faults: list[Fault]) -> SystemChoice | None:
    """Merge a candidate's changes into the system and check the result against the adapter.

    A candidate that names another adapter stands alone: options of the one mean nothing to the other.
    """
    changes = file.suite.candidates.get(candidate, {})
    other = changes.get("adapter", file.suite.system["adapter"]) != file.suite.system["adapter"]
    written = dict(changes) if other else {**file.suite.system, **changes}
    adapter = written.pop("adapter")
    root: KeyPath = ("candidates", candidate) if candidate else ("system",)
    wanted = options_type(find_system(adapter), adapter)
    places = document if other else _with_inherited(document, root, changes)
    options = decode(written, wanted, root, places, faults)
    if options is None:
        return None
    found = msgspec.structs.asdict(options)
    files = {}
    for field in msgspec.structs.fields(wanted):
        if is_path(field.type) and found[field.name] is not None:
            if "${" in str(found[field.name]):
                what = f"file option {field.name!r} takes no reference to the environment"
                faults.append(Fault(what, places.place((*root, field.name)), "write the path out"))
            found[field.name] = files[field.name] = (file.folder / found[field.name]).resolve()
    return SystemChoice(candidate, adapter, written, found, files)


def _with_inherited(document: Document, root: KeyPath, changes: dict[str, Any]) -> Document:
    """Let the keys that a candidate takes from the system also be found below the candidate."""
    places, keys = dict(document.places), dict(document.keys)
    for table in (places, keys):
        inherited = {
            (*root, *path[1:]): place
            for path, place in table.items()
            if path[0:1] == ("system",) and path[1:] and path[1] not in changes
        }
        table.update(inherited)
    if "adapter" not in changes:  # then what is missing is missing in the system
        places[root] = document.place(("system",))
    return Document(document.value, places, keys)
