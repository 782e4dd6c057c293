"""What people said of answers, and how a judge's verdicts stand to it."""

from __future__ import annotations

from msgspec import Struct

from harness.types.goldens import Message
from harness.types.words import RunId


class Stratum(Struct, frozen=True, forbid_unknown_fields=True):
    """Cases with like scores of the judge, in the order of the draw: the first ``drawn`` are labelled."""

    name: str
    cases: tuple[str, ...]
    drawn: int


class Panel(Struct, frozen=True, forbid_unknown_fields=True):
    """The cases whose answers people label on one metric: a sample drawn by chance within strata.

    It is drawn once and kept, so that a later run costs labels only where its answers are new. ``rubric`` is
    what raters are asked, ``scale`` has the values that they may give, the lowest first; labels given by
    another rubric or scale do not count. ``runs`` are those whose scores made the strata.
    """

    metric: str
    rubric: str
    scale: tuple[float, ...]
    dataset_digest: str
    seed: int
    runs: tuple[str, ...]
    strata: tuple[Stratum, ...]

    @property
    def drawn(self) -> tuple[str, ...]:
        """The ids of the cases to be labelled, stratum by stratum."""
        return tuple(case_id for stratum in self.strata for case_id in stratum.cases[: stratum.drawn])


class PacketItem(Struct, frozen=True, omit_defaults=True):
    """One answer to be labelled, with all that a rater may see of it; ``id`` tells nothing."""

    id: str
    history: tuple[Message, ...]
    input: str
    output: str
    passages: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


class Packet(Struct, frozen=True):
    """Answers to be labelled by people who see neither system, score nor configuration; ``id`` is its digest.

    ``scale`` has the values that a label may have, the worst first.
    """

    id: str
    metric: str
    rubric: str
    scale: tuple[float, ...]
    items: tuple[PacketItem, ...]


class KeyItem(Struct, frozen=True, forbid_unknown_fields=True):
    """What an item of a packet is: an answer to a case, ``answer`` being the digest of all that was shown."""

    item: str
    case_id: str
    answer: str


class PacketKey(Struct, frozen=True, forbid_unknown_fields=True):
    """What a packet's items are, kept by who exported it; ``rubric`` is what raters were asked."""

    packet: str
    metric: str
    rubric: str
    scale: tuple[float, ...]
    exported_at: str
    items: tuple[KeyItem, ...]


class Given(Struct, frozen=True, forbid_unknown_fields=True):
    """One answer of a run by its digest, so that it is known where its texts are left out."""

    case_id: str
    repeat: int
    answer: str


class Label(Struct, frozen=True, forbid_unknown_fields=True):
    """What one rater said of one answer; it holds for whoever gives that answer.

    ``rubric`` is the digest of what was asked, and on which scale.
    """

    packet: str
    item: str
    rater: str
    value: float
    at: str
    metric: str
    rubric: str
    case_id: str
    answer: str
    comment: str = ""


class Measured(Struct, frozen=True):
    """A figure with its 95 % limits over n labels; None where it is not known."""

    value: float | None
    low: float | None
    high: float | None
    n: int


class ErrorRates(Struct, frozen=True):
    """How often the judge is right in one slice: of answers that people call good, and of those they do not.

    ``n`` answers have labels.
    """

    slice: str
    n: int
    sensitivity: Measured
    specificity: Measured
    kappa: Measured


class Calibration(Struct, frozen=True, forbid_unknown_fields=True):
    """How one judge of one metric agrees with people, weighted to all cases of the goldens.

    It is of the judge with this fingerprint and this version of the metric, and of no other.
    ``confusion[i][j]`` counts answers that people put at ``scale[i]`` and the judge at ``scale[j]``.
    ``raters`` is the agreement of people with each other (alpha). ``scored_at`` is when the judge gave the
    earliest of the scores; from ``expires_at`` on they say nothing of it any more (None: never). ``served``
    are the models that the judge's services said they used.
    """

    metric: str
    version: int
    judge: str
    scale: tuple[float, ...]
    n_labels: int
    n_raters: int
    kappa: Measured
    raters: Measured
    rates: tuple[ErrorRates, ...]
    confusion: tuple[tuple[int, ...], ...]
    runs: tuple[RunId, ...]
    scored_at: str
    expires_at: str | None
    served: tuple[str, ...] = ()
