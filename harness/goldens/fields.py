"""One raw row to one Case: aliases resolved here and unknown beyond, every fault named with its field."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import Any

import msgspec

from harness.errors import Fault, did_you_mean
from harness.goldens.rows import Row
from harness.types import Behavior, Case, Evidence, Message, Passage, Query, Scalar

ID_PATTERN = re.compile(r"[A-Za-z0-9._:-]{1,128}")

ALIASES = {
    "id": ("case_id", "query_id"),
    "input": ("user_input", "question", "query", "prompt", "inputs"),
    "expected_output": (
        "reference",
        "target",
        "ground_truth",
        "gt_answer",
        "reference_answer",
        "expected",
    ),
    "evidence": ("reference_contexts", "qrels", "gold_passages", "context"),
    "metadata": ("additional_metadata", "columns"),
}
"""Our field name to the names that other tools give it; ``vars.query``, ``should_refuse``, ``answerable`` and
``reference_context_ids`` are handled beside these."""


class RawCase(msgspec.Struct, forbid_unknown_fields=True):
    """The fields of a golden line as they may be written, before they are brought into one form."""

    input: str
    id: str | None = None
    history: tuple[Message, ...] = ()
    contexts: tuple[str | dict[str, Any], ...] = ()
    expected_output: str | tuple[str, ...] | None = None
    expected_behavior: Behavior | None = None
    evidence: str | tuple[str | dict[str, Any], ...] | dict[str, int] = ()
    must_include: tuple[str, ...] = ()
    must_not_include: tuple[str, ...] = ()
    policy: str | None = None
    groups: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    metadata: dict[str, Scalar] = {}
    split: str | None = None
    twin_of: str | None = None
    document_id: str | None = None


FIELDS = tuple(RawCase.__struct_fields__)
_EXTRA = ("should_refuse", "answerable", "vars", "reference_context_ids")


class CaseReader:
    """Turns rows into cases, counting which aliases it used; faults are collected, never raised."""

    def __init__(self, faults: list[Fault], fields: dict[str, str]) -> None:
        """Append to ``faults``; with ``fields`` (ours to theirs) read only those of the source."""
        self.faults = faults
        self.fields = fields
        self.used: Counter[tuple[str, str]] = Counter()

    def read(self, row: Row) -> Case | None:
        """Give the case, or None after noting what is wrong with the row."""
        before = len(self.faults)
        values = self._mapped(row) if self.fields else self._resolved(row)
        if len(self.faults) > before:
            return None
        ids = values.pop("reference_context_ids", None)
        try:
            raw = msgspec.convert(values, RawCase)
            evidence = _evidence_of(raw.evidence, ids)
        except (msgspec.ValidationError, ValueError) as error:
            self._fault(row, _readable(str(error)))
            return None
        if (surrogate := _lone_surrogate(values)) is not None:
            self._fault(
                row, f"field {surrogate!r} holds half a surrogate pair", "replace the broken character"
            )
            return None
        return self._case(row, raw, evidence)

    def _case(self, row: Row, raw: RawCase, evidence: tuple[Evidence, ...]) -> Case | None:
        if not raw.input.strip():
            self._fault(row, "field 'input' is empty")
        case_id = raw.id if raw.id is not None else _content_id(raw)
        if not ID_PATTERN.fullmatch(case_id):
            self._fault(row, f"id {case_id!r}", "1 to 128 of A-Z a-z 0-9 . _ : -")
        outputs = raw.expected_output
        if outputs is None:
            outputs = ()
        elif isinstance(outputs, str):
            outputs = (outputs,)
        contexts = tuple(_passage(item, rank) for rank, item in enumerate(raw.contexts, 1))
        return Case(
            query=Query(id=case_id, input=raw.input, history=raw.history, contexts=contexts),
            expected_behavior=raw.expected_behavior or "answer",
            expected_output=outputs,
            evidence=evidence,
            must_include=raw.must_include,
            must_not_include=raw.must_not_include,
            policy=raw.policy,
            groups=raw.groups,
            tags=raw.tags,
            metadata=raw.metadata,
            split=raw.split,
            twin_of=raw.twin_of,
            document_id=raw.document_id,
        )

    def _mapped(self, row: Row) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for ours, theirs in self.fields.items():
            found = _dig(row.values, theirs)
            if found is None:
                continue
            head, dot, tail = ours.partition(".")
            if dot:
                values.setdefault(head, {})[tail] = found
            else:
                values[ours] = found
        return self._behavior(row, values)

    def _resolved(self, row: Row) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in row.values.items():
            if name == "vars" and isinstance(value, dict) and set(value) == {"query"}:
                self._put(row, values, "input", "vars.query", value["query"])
            elif name in FIELDS:
                self._put(row, values, name, name, value)
            elif (ours := _alias_of(name)) is not None:
                self._put(row, values, ours, name, value)
            elif name in _EXTRA:
                values[name] = value
            else:
                hint = did_you_mean(name, FIELDS)
                self._fault(row, f"unknown field {name!r}", f"{hint} (or put it under 'metadata')")
        return self._behavior(row, values)

    def _put(self, row: Row, values: dict[str, Any], ours: str, theirs: str, value: Any) -> None:
        if ours in values:
            self._fault(row, f"field {theirs!r} says again what {ours!r} says", "keep one of them")
        values[ours] = value
        if ours != theirs:
            self.used[ours, theirs] += 1

    def _behavior(self, row: Row, values: dict[str, Any]) -> dict[str, Any]:
        for name, when_true, when_false in (
            ("should_refuse", "refuse", "answer"),
            ("answerable", "answer", "refuse"),
        ):
            if name not in values:
                continue
            said = values.pop(name)
            if not isinstance(said, bool):
                self._fault(row, f"field {name!r} is {said!r}", "write true or false")
                continue
            wanted = when_true if said else when_false
            if values.get("expected_behavior", wanted) != wanted:
                self._fault(row, f"field {name!r} contradicts 'expected_behavior'", "keep one of them")
            values["expected_behavior"] = wanted
            self.used["expected_behavior", name] += 1
        return values

    def _fault(self, row: Row, what: str, mend: str = "") -> None:
        self.faults.append(Fault(what, row.place, mend))


def _alias_of(name: str) -> str | None:
    return next((ours for ours, others in ALIASES.items() if name in others), None)


def _dig(values: dict[str, Any], path: str) -> Any:
    found: Any = values
    for part in path.split(".") if path not in values else [path]:
        if not isinstance(found, dict) or part not in found:
            return None
        found = found[part]
    return found


def _evidence_of(raw: Any, ids: Any) -> tuple[Evidence, ...]:
    """Bring quotes, {doc_id: grade} and lists of objects into one form; doc_id '' is looked up later."""
    if isinstance(raw, str):
        raw = (raw,)
    if isinstance(raw, dict):
        return tuple(Evidence(doc_id=doc_id, grade=grade) for doc_id, grade in raw.items())
    if ids is not None and (not isinstance(ids, (list, tuple)) or len(ids) != len(raw)):
        raise ValueError("'reference_context_ids' and 'reference_contexts' differ in length")
    found = []
    for index, item in enumerate(raw):
        if isinstance(item, str):
            found.append(Evidence(doc_id=str(ids[index]) if ids is not None else "", quote=item))
        else:
            piece = msgspec.convert(item, Evidence)
            if piece.grade < 0:
                raise ValueError(f"evidence[{index}].grade is {piece.grade}: 0 or more")
            found.append(piece)
    return tuple(found)


def _passage(item: str | dict[str, Any], rank: int) -> Passage:
    if isinstance(item, str):
        return Passage(doc_id="text:" + hashlib.sha256(item.encode()).hexdigest()[:16], text=item, rank=rank)
    return msgspec.convert({"rank": rank, **item}, Passage)


def _content_id(raw: RawCase) -> str:
    content = msgspec.json.encode((raw.input, raw.history, raw.contexts))
    return "sha256:" + hashlib.sha256(content).hexdigest()[:24]


def _lone_surrogate(value: Any, name: str = "") -> str | None:
    if isinstance(value, str):
        return name if any("\ud800" <= char <= "\udfff" for char in value) else None
    parts: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        parts = [(f"{name}.{key}".lstrip("."), part) for key, part in value.items()]
    elif isinstance(value, (list, tuple)):
        parts = [(f"{name}[{index}]", part) for index, part in enumerate(value)]
    return next((found for key, part in parts if (found := _lone_surrogate(part, key)) is not None), None)


def _readable(message: str) -> str:
    """Put the field first: "field 'groups.x': expected `str`, got `int`"."""
    what, _, path = message.partition(" - at `$.")
    return f"field {path.rstrip('`')!r}: {what[0].lower()}{what[1:]}" if path else what
