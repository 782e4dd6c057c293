"""Export answers for people to label, blind: which cases, whose answers, and what the raters see."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from harness.api.correcting import labels_beside
from harness.api.deciding import suite_of
from harness.calibration.drawing import draw_panel, extend, strata_of
from harness.calibration.labelled import Book, answer_digest, labels_of
from harness.calibration.questions import WITH_REFERENCES, question_of
from harness.cases import by_id, outlines
from harness.comparison import fold
from harness.errors import NothingSelected, UsageError, did_you_mean
from harness.labels.folder import LabelFolder
from harness.places import now
from harness.registry import load_object
from harness.types import (
    Case,
    Given,
    KeyItem,
    MetricIdentity,
    Packet,
    PacketItem,
    PacketKey,
    Panel,
    Recorded,
    Result,
    Run,
    SliceRule,
)

FORMATS = {".html": "harness.report.packet:render_html", ".csv": "harness.report.packet:render_csv"}
"""Ending of a packet's file to its renderer."""
LEAST_LABELS = 2


class Asked(NamedTuple):
    """What is to be labelled: a metric, on how many cases, by which rubric and values.

    ``by`` names slices that each get labels. ``scale`` without values is the two ends of the metric's range.
    ``references`` shows reference answers to the raters. ``anew`` draws cases anew.
    """

    metric: str
    n: int = 100
    by: tuple[str, ...] = ()
    rubric: str = ""
    scale: tuple[float, ...] = ()
    seed: int = 0
    references: bool = False
    anew: bool = False


class Exported(NamedTuple):
    """A packet with its key and panel, the answers of each run by its id, and how many had labels before."""

    packet: Packet
    key: PacketKey
    panel: Panel
    folder: LabelFolder
    given: dict[str, tuple[Given, ...]]
    known: int


def export(runs: Sequence[Recorded], asked: Asked) -> Exported:
    """Choose which answers to label and make the packet; nothing is written yet.

    The panel of the metric is drawn with the first export and kept: of later runs only the answers of its
    cases that nobody has labelled are exported.

    Args:
        runs: of one suite on the same goldens; their answers are mixed.
        asked: what is to be labelled.

    Raises:
        UsageError: runs that do not go together, a metric that cannot be labelled, a scale outside its range.
        NothingSelected: every answer has its label.
    """
    first = runs[0]
    identity = _identity(runs, asked.metric)
    folder = labels_beside(first.run)
    panel = _panel(runs, asked, identity, folder)
    told = labels_of(Book({asked.metric: panel}, folder.labels()), asked.metric).keys()
    found = [(recorded, *one) for recorded in runs for one in _answers(recorded, panel)]
    shown = {one.answer: (case, result) for _, case, result, one in found if one.answer not in told}
    given = {recorded.run.id: tuple(one for its, _, _, one in found if its is recorded) for recorded in runs}
    if not shown:
        raise NothingSelected(
            f"every answer of the {len(panel.drawn)} drawn cases has its label",
            mend="label more cases with a larger --n",
        )
    salt = secrets.token_bytes(16)  # so that an item's name tells nothing, nor does the order of items
    names = {answer: hashlib.sha256(salt + answer.encode()).hexdigest()[:12] for answer in shown}
    order = sorted(shown, key=lambda answer: names[answer])
    items = tuple(_item(names[answer], *shown[answer], asked) for answer in order)
    packet = _sealed(Packet("", asked.metric, panel.rubric, panel.scale, items))
    keyed = tuple(KeyItem(names[answer], shown[answer][0].id, answer) for answer in order)
    at = now().isoformat(timespec="seconds")
    key = PacketKey(packet.id, asked.metric, panel.rubric, panel.scale, at, keyed)
    return Exported(packet, key, panel, folder, given, len({one.answer for *_, one in found} & told))


def check_format(path: Path) -> None:
    """Refuse an ending that no packet has.

    Raises:
        UsageError: with those there are.
    """
    if path.suffix not in FORMATS:
        what = f"cannot tell the format of packet {path.name!r}"
        raise UsageError(what, mend=f"name it {' or '.join(f'*{ending}' for ending in FORMATS)}")


def keep(exported: Exported, path: Path) -> tuple[Path, Path]:
    """Write a packet, its panel and its key; gives packet and key. The key comes first: no packet without.

    Raises:
        UsageError: an ending that no packet has.
        RecordingError: a file cannot be written.
    """
    from harness.api.rendering import write_text

    check_format(path)
    text = load_object(FORMATS[path.suffix], "renderer")(exported.packet)
    exported.folder.keep_panel(exported.panel)
    for run_id, answers in exported.given.items():
        exported.folder.keep_answers(run_id, answers)
    key_file = exported.folder.keep_key(exported.key)
    # A spreadsheet takes UTF-8 for another encoding unless a byte order mark says so.
    write_text(path, f"\ufeff{text}" if path.suffix == ".csv" else text)
    return path, key_file


def _identity(runs: Sequence[Recorded], metric: str) -> MetricIdentity:
    """The metric in all runs, which must go together."""
    first = runs[0].run
    for recorded in runs:
        run = recorded.run
        if metric not in run.metrics:
            raise UsageError(
                f"run {run.id!r} did not score {metric!r}", mend=did_you_mean(metric, run.metrics)
            )
        if (run.suite_name, run.dataset_digest) != (first.suite_name, first.dataset_digest):
            raise UsageError(f"runs {first.id!r} and {run.id!r} are of other suites or goldens")
        if not any(case.query.input for case in recorded.cases):
            mend = "export from a recording with its texts"
            raise UsageError(f"texts were left out of the recording of run {run.id!r}", mend=mend)
    found = first.metrics[metric]
    if found.high is None:
        raise UsageError(f"{metric!r} has no upper end: there is no scale to label it on")
    return found


def _scale(asked: Asked, identity: MetricIdentity) -> tuple[float, ...]:
    ends = identity.low, identity.high or 0.0
    scale = tuple(sorted(set(asked.scale))) or ends
    if len(scale) < LEAST_LABELS or scale[0] < ends[0] or scale[-1] > ends[1]:
        shown = ", ".join(f"{value:g}" for value in scale)
        raise UsageError(f"scale {shown}", mend=f"two values or more within {ends[0]:g} and {ends[1]:g}")
    return scale


def _panel(runs: Sequence[Recorded], asked: Asked, identity: MetricIdentity, folder: LabelFolder) -> Panel:
    """The panel that is kept, extended where more is asked for; or a new one."""
    first = runs[0].run
    kept = folder.panels().get(asked.metric)
    if kept is not None and not asked.anew:
        if kept.dataset_digest != first.dataset_digest:
            raise UsageError(
                f"the cases for {asked.metric!r} were drawn from other goldens", mend="draw anew with --anew"
            )
        if (asked.rubric or kept.rubric, _scale(asked, identity) if asked.scale else kept.scale) != (
            kept.rubric,
            kept.scale,
        ):
            what = f"{asked.metric!r} was labelled by another rubric or scale"
            raise UsageError(what, mend="keep to it, or draw anew with --anew: its labels then count no more")
        return extend(kept, asked.n)
    rules = suite_of(first).slices
    by: dict[str, SliceRule] = {}
    for name in asked.by:
        if name not in rules:
            raise UsageError(f"unknown slice {name!r}", mend=did_you_mean(name, rules))
        by[name] = rules[name]
    tables = [fold(recorded.results, [asked.metric], recorded.run.repeats)[asked.metric] for recorded in runs]
    strata = strata_of(outlines(runs[0].cases), tables, identity, by)
    if not strata:
        raise NothingSelected(f"no case has a score of {asked.metric!r} in every run")
    empty = Panel(
        metric=asked.metric,
        rubric=asked.rubric or _rubric(asked, first),
        scale=_scale(asked, identity),
        dataset_digest=first.dataset_digest,
        seed=asked.seed,
        runs=tuple(item.run.id for item in runs),
        strata=(),
    )
    return draw_panel(empty, strata, asked.n)


def _answers(recorded: Recorded, panel: Panel) -> Iterator[tuple[Case, Result, Given]]:
    """The first answer to each drawn case that the judge scored."""
    cases, wanted = by_id(recorded.cases), set(panel.drawn)
    for result in recorded.results:
        score = result.scores.get(panel.metric)
        if result.case_id in wanted and score is not None and score.value is not None:
            wanted.remove(result.case_id)
            answer = answer_digest(recorded.digests[result.case_id], result.response)
            yield cases[result.case_id], result, Given(result.case_id, result.repeat, answer)


def _item(name: str, case: Case, result: Result, asked: Asked) -> PacketItem:
    passages = [passage.text for passage in result.response.retrieved if passage.text]
    return PacketItem(
        id=name,
        history=case.query.history,
        input=case.query.input,
        output=result.response.output or "",
        passages=tuple(sorted(passages, key=lambda text: hashlib.sha256(text.encode()).digest())),
        references=case.expected_output if asked.references else (),
    )


def _sealed(packet: Packet) -> Packet:
    """The packet with its digest as its id."""
    content = msgspec.json.encode(packet, order="deterministic")
    return replace(packet, id=hashlib.sha256(content).hexdigest()[:24])


def _rubric(asked: Asked, run: Run) -> str:
    """What raters are asked where no rubric is given."""
    found = question_of(asked.metric, suite_of(run).rubrics)
    if not found:
        what = f"there is no question to raters for {asked.metric!r}"
        raise UsageError(what, mend="write it in a file and give --rubric FILE")
    if found in WITH_REFERENCES and not asked.references:
        what = f"raters of {asked.metric!r} need the reference answers"
        raise UsageError(what, mend="show them with --references, or ask something else with --rubric FILE")
    return found
