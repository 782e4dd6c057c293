"""One raw row to one Case: aliases resolved here and unknown beyond, every fault named with its field."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import Any, get_args

import msgspec

from harness.errors import Fault, did_you_mean
from harness.goldens.lines import Row
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
_EXTRA = ("should_refuse", "answerable", "reference_context_ids")


def is_field(name: str) -> bool:
    """Say whether ``fields:`` of a suite may name it: a field, ``groups.x``, ``metadata.x``."""
    head, dot, tail = name.partition(".")
    return name in FIELDS or name in _EXTRA or (head in {"groups", "metadata"} and bool(dot and tail))


_PARTS: dict[str, type[msgspec.Struct]] = {"history": Message, "evidence": Evidence, "contexts": Passage}
_VALUES: dict[str, Any] = {"groups": str, "metadata": Scalar, "evidence": int}


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
        names: dict[str, str] = {}
        values = self._mapped(row, names) if self.fields else self._resolved(row, names)
        if len(self.faults) > before:
            return None
        ids = values.pop("reference_context_ids", None)
        try:
            raw = msgspec.convert(values, RawCase)
            evidence = _evidence_of(raw.evidence, ids)
            contexts = tuple(_passage(item, rank) for rank, item in enumerate(raw.contexts, 1))
        except msgspec.ValidationError as error:
            self._fault(row, *_readable(str(error), values, names))
            return None
        return self._case(row, raw, evidence, contexts)

    def _case(
        self, row: Row, raw: RawCase, evidence: tuple[Evidence, ...], contexts: tuple[Passage, ...]
    ) -> Case:
        if not raw.input.strip():
            self._fault(row, "field 'input' is empty", "write what the user asks")
        case_id = raw.id if raw.id is not None else _content_id(raw)
        if not ID_PATTERN.fullmatch(case_id):
            self._fault(row, f"id {case_id!r}", "1 to 128 of A-Z a-z 0-9 . _ : -")
        outputs = raw.expected_output
        if outputs is None:
            outputs = ()
        elif isinstance(outputs, str):
            outputs = (outputs,)
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

    def _mapped(self, row: Row, names: dict[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for ours, theirs in self.fields.items():
            found = _dig(row.values, theirs)
            if found is None:
                continue
            names[ours] = theirs
            head, dot, tail = ours.partition(".")
            if dot:
                values.setdefault(head, {})[tail] = found
            else:
                values[ours] = found
        return self._behavior(row, values)

    def _resolved(self, row: Row, names: dict[str, str]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in row.values.items():
            if name == "vars" and isinstance(value, dict) and set(value) == {"query"}:
                ours, theirs, value = "input", "vars.query", value["query"]  # noqa: PLW2901 -- the same value
            else:
                ours, theirs = _alias_of(name) or name, name
            if ours in FIELDS:
                if ours in values:
                    self._fault(row, f"field {theirs!r} says again what {ours!r} says", "keep one of them")
                if ours != theirs:
                    self.used[ours, theirs] += 1
                names[ours] = theirs
                values[ours] = value
            elif name in _EXTRA:
                values[name] = value
            else:
                hint = "only 'query' in it is read" if name == "vars" else did_you_mean(name, FIELDS)
                self._fault(row, f"unknown field {name!r}", f"{hint} (or put it under 'metadata')")
        return self._behavior(row, values)

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
    if isinstance(raw, dict):
        found = [Evidence(doc_id=doc_id, grade=grade) for doc_id, grade in raw.items()]
    else:
        items = [raw] if isinstance(raw, str) else list(raw)
        found = [
            Evidence(doc_id="", quote=item)
            if isinstance(item, str)
            else _convert(item, Evidence, f"evidence[{index}]")
            for index, item in enumerate(items)
        ]
    for index, piece in enumerate(found):
        if piece.grade < 0:
            path = f"evidence.{piece.doc_id}" if isinstance(raw, dict) else f"evidence[{index}].grade"
            raise msgspec.ValidationError(f"{piece.grade} is below 0 - at `$.{path}`")
    if ids is None:
        return tuple(found)
    doc_ids: tuple[str | int, ...] = _convert(ids, tuple[str | int, ...], "reference_context_ids")
    if len(doc_ids) != len(found) or any(piece.doc_id for piece in found):
        raise msgspec.ValidationError("One id per text of 'evidence' - at `$.reference_context_ids`")
    pairs = zip(found, doc_ids, strict=True)
    return tuple(msgspec.structs.replace(piece, doc_id=str(doc_id)) for piece, doc_id in pairs)


def _passage(item: str | dict[str, Any], rank: int) -> Passage:
    if isinstance(item, str):
        return Passage(
            doc_id="sha256:" + hashlib.sha256(item.encode()).hexdigest()[:16], text=item, rank=rank
        )
    path = f"contexts[{rank - 1}]"
    for name in item:
        if name not in Passage.__struct_fields__:
            raise msgspec.ValidationError(f"Object contains unknown field `{name}` - at `$.{path}`")
    passage: Passage = _convert({"rank": rank, **item}, Passage, path)
    return passage


def _convert(value: Any, kind: Any, path: str) -> Any:
    """Convert a part of a row; the path in an error is that from the row."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        what, _, inner = str(error).partition(" - at `$")
        raise msgspec.ValidationError(f"{what} - at `$.{path}{inner.rstrip('`')}`") from error


def _content_id(raw: RawCase) -> str:
    content = msgspec.json.encode((raw.input, raw.history, raw.contexts))
    return "sha256:" + hashlib.sha256(content).hexdigest()[:24]


def _readable(message: str, values: dict[str, Any], names: dict[str, str]) -> tuple[str, str]:
    """Say what msgspec found with the field first and as the file names it, and how to mend it."""
    what, _, path = message.partition(" - at `$")
    path = _with_key(path.strip("`."), values)
    head = re.split(r"[.[]", path)[0]
    shown = names.get(head, head) + path[len(head) :]
    if match := re.fullmatch(r"Object (contains unknown|missing required) field `(.*)`", what):
        kind, name = match.groups()
        shown = f"{shown}.{name}".lstrip(".")
        if kind.startswith("missing"):
            return (
                f"field {shown!r} is missing",
                f"every part of {head!r} needs it" if path else "every case needs it",
            )
        return f"unknown field {shown!r}", did_you_mean(name, _PARTS[head].__struct_fields__)
    if match := re.fullmatch(r"Invalid enum value '(.*)'", what):
        valid = get_args(Behavior) if head == "expected_behavior" else ("user", "assistant", "system")
        return f"field {shown!r} is {match[1]!r}", did_you_mean(match[1], valid)
    mend = "leave the field out" if what.endswith("`null`") else ""
    if re.fullmatch("Expected `str.*got `(int|float|bool)`", what):
        mend = "put it in quotes"
    return f"field {shown!r}: {what[0].lower()}{what[1:]}".replace(" | null", ""), mend


def _with_key(path: str, values: dict[str, Any]) -> str:
    """Put the key that does not fit for the ``[...]`` that msgspec gives for it."""
    head, marker, _ = path.partition("[...]")
    if marker and head in _VALUES:
        for key, value in values[head].items():
            try:
                msgspec.convert(value, _VALUES[head])
            except msgspec.ValidationError:
                return f"{head}.{key}"
    return path
