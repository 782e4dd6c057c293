"""The folder of a suite's labels: panels, keys of packets, labels and calibrations, each file whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from harness.errors import Fault, Place, RecordingError
from harness.recordings import write_whole
from harness.types import Calibration, Given, Label, PacketKey, Panel

VERSION = 1
Kind = TypeVar("Kind")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every file of the folder says first."""

    version: int
    panels: tuple[Panel, ...] = ()
    answers: tuple[Given, ...] = ()
    calibrations: tuple[Calibration, ...] = ()


class LabelFolder:
    """One suite's labels, below ``labels/<suite>/`` beside the suite; what is not there is empty."""

    def __init__(self, path: Path) -> None:
        """Take the folder; it need not be there."""
        self.path = path

    @property
    def labels_file(self) -> Path:
        """The labels, one JSON line each, in the order in which they came in."""
        return self.path / "labels.jsonl"

    def panels(self) -> dict[str, Panel]:
        """Every panel by its metric.

        Raises:
            RecordingError: the file is not one of panels.
        """
        return {panel.metric: panel for panel in self._read("panels.json").panels}

    def keep_panel(self, panel: Panel) -> None:
        """Write a panel in place of an earlier one of its metric."""
        found = {**self.panels(), panel.metric: panel}
        self._write("panels.json", _File(VERSION, panels=tuple(found[name] for name in sorted(found))))

    def calibrations(self) -> tuple[Calibration, ...]:
        """Every calibration, by metric, version and judge.

        Raises:
            RecordingError: the file is not one of calibrations.
        """
        return self._read("calibration.json").calibrations

    def keep_calibration(self, calibration: Calibration) -> Path:
        """Write a calibration in place of an earlier one of the same judge; gives the file."""
        found = {_judge(item): item for item in (*self.calibrations(), calibration)}
        kept = tuple(found[key] for key in sorted(found))
        return self._write("calibration.json", _File(VERSION, calibrations=kept))

    def key_file(self, packet: str) -> Path:
        """Where the key of a packet lies."""
        return self.path / "packets" / f"{packet}.json"

    def key(self, packet: str) -> PacketKey | None:
        """The key of a packet; None where it was not exported from here.

        Raises:
            RecordingError: the file is not a key.
        """
        path = self.key_file(packet)
        return _decoded(path, PacketKey) if path.is_file() else None

    def keep_key(self, key: PacketKey) -> Path:
        """Write the key of a packet; gives the file."""
        path = self.key_file(key.packet)
        write_whole(path, _pretty(key))
        return path

    def answers(self, run: str) -> tuple[Given, ...]:
        """The answers of a run that were exported, or known at an export; empty for other runs.

        Raises:
            RecordingError: the file is not one of answers.
        """
        return self._read(f"answers/{run}.json").answers

    def keep_answers(self, run: str, answers: Sequence[Given]) -> None:
        """Add answers of a run to those that are kept."""
        found = {(one.case_id, one.repeat): one for one in (*self.answers(run), *answers)}
        kept = tuple(found[key] for key in sorted(found))
        self._write(f"answers/{run}.json", _File(VERSION, answers=kept))

    def labels(self) -> tuple[Label, ...]:
        """Every label, in the order in which they came in.

        Raises:
            RecordingError: lines that are not labels, each with its number.
        """
        if not self.labels_file.is_file():
            return ()
        found, faults = [], []
        for number, line in enumerate(self.labels_file.read_bytes().splitlines(), 1):
            try:
                found.append(msgspec.json.decode(line, type=Label))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                place = Place(str(self.labels_file), number)
                faults.append(Fault(f"not a label: {error}", place, "restore it from version control"))
        if faults:
            raise RecordingError(faults)
        return tuple(found)

    def keep_labels(self, labels: Sequence[Label]) -> None:
        """Write all labels, in place of those that are there."""
        lines = [msgspec.json.encode(label, order="deterministic") + b"\n" for label in labels]
        write_whole(self.labels_file, b"".join(lines))

    def _read(self, name: str) -> _File:
        path = self.path / name
        return _decoded(path, _File) if path.is_file() else _File(VERSION)

    def _write(self, name: str, content: _File) -> Path:
        write_whole(self.path / name, _pretty(content))
        return self.path / name


def folder_of_packet(packet: str, suites: Path) -> LabelFolder | None:
    """Find the folder below ``<suites>/labels/`` that a packet was exported from."""
    for path in sorted((suites / "labels").glob("*")):
        folder = LabelFolder(path)
        if folder.key_file(packet).is_file():
            return folder
    return None


def _judge(item: Calibration) -> tuple[str, int, str]:
    return item.metric, item.version, item.judge


def _pretty(content: msgspec.Struct) -> bytes:
    plain = msgspec.to_builtins(content)
    if isinstance(content, _File):
        plain = {name: part for name, part in plain.items() if name == "version" or part}
    return msgspec.json.format(msgspec.json.encode(plain), indent=2) + b"\n"


def _decoded(path: Path, kind: type[Kind]) -> Kind:
    data: Any = None
    try:
        data = msgspec.json.decode(path.read_bytes(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        what = f"not as this version of harness writes it: {error}"
        raise RecordingError(what, Place(str(path)), "restore it from version control") from error
    if isinstance(data, _File) and data.version != VERSION:
        raise RecordingError(f"version {data.version}, this harness reads {VERSION}", Place(str(path)))
    found: Kind = data
    return found
