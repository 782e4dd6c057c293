"""Golden cases to their variants: every kind by name, what it may change, and what it must not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from harness.language import words
from harness.types import VARIANT, Case, Passage
from harness.variants import passages as given
from harness.variants import swaps, wording
from harness.variants.draw import Draw
from harness.variants.protected import language_of, lost
from harness.variants.tables import CANARIES, FILLERS, INJECTIONS, LAYOUTS, PARAPHRASES

SEED = "variant_seed"
"""The key of ``metadata`` by which a variant names its seed."""
LONGEST_ID = 128


class Pool(NamedTuple):
    """What variants of a dataset draw on: all its words, case-folded, and passages that could distract."""

    words: frozenset[str]
    passages: tuple[Passage, ...]


class Kind(NamedTuple):
    """One kind of variant: what it changes, what it keeps, in which languages (None: any)."""

    make: Callable[[Case, Draw, Pool], Case | str]
    changes: str
    keeps: str
    languages: frozenset[str] | None = None


class Skipped(NamedTuple):
    """A case that has no variant of a kind, and why."""

    case_id: str
    kind: str
    reason: str


class Made(NamedTuple):
    """The variants in the order of cases, kinds and seeds, and what was skipped."""

    cases: tuple[Case, ...]
    skipped: tuple[Skipped, ...]


def _reworded(
    change: Callable[[Case, Draw, frozenset[str]], str | None],
) -> Callable[[Case, Draw, Pool], Case | str]:
    def make(case: Case, draw: Draw, pool: Pool) -> Case | str:
        changed = change(case, draw, pool.words)
        if changed is None or changed == case.query.input:
            return "nothing in it could be changed"
        return replace(case, query=replace(case.query, input=changed))

    return make


def _only(change: Callable[[Case, Draw], Case | str]) -> Callable[[Case, Draw, Pool], Case | str]:
    return lambda case, draw, _: change(case, draw)


_WORDS = "numbers, ids, quoted strings, expected facts"
KINDS = {
    "typos": Kind(
        _reworded(wording.typos),
        "letters of words of four letters and more",
        f"first letters, function words, names, {_WORDS}",
        frozenset(LAYOUTS),
    ),
    "casing": Kind(_reworded(wording.casing), "capitals and small letters", f"all else; {_WORDS}"),
    "spacing": Kind(_reworded(wording.spacing), "white space", f"all else; white space in {_WORDS}"),
    "paraphrase": Kind(
        _reworded(wording.paraphrase),
        "up to two phrases of a table",
        f"all else; {_WORDS}",
        frozenset(PARAPHRASES),
    ),
    "disfluency": Kind(
        _reworded(wording.disfluency),
        "fillers and a word said twice are put in",
        f"every word, in order; {_WORDS}",
        frozenset(FILLERS),
    ),
    "distractors": Kind(
        lambda case, draw, pool: given.distractors(case, draw, pool.passages),
        "passages of other documents are put among those given",
        "the question, the passages given",
    ),
    "context_order": Kind(
        _only(given.context_order), "order of the passages given", "the question, the passages"
    ),
    "injection": Kind(
        _only(given.injection),
        "an instruction at the end of one passage given",
        "the question, the rest of the passages",
        frozenset(INJECTIONS),
    ),
    "name_swap": Kind(
        _only(swaps.name_swap),
        "a first name of a table, and the group `name_group`",
        f"all else; {_WORDS}",
        frozenset({"en", "de", "fr", "es", "ja", "it", "pt", "nl"}),
    ),
    "pronoun_swap": Kind(
        _only(swaps.pronoun_swap),
        "he to she or she to he, and the group `name_group`",
        f"all else; {_WORDS}",
        frozenset({"en", "ja"}),
    ),
}


def pool_of(cases: Iterable[Case], documents: Iterable[Passage] = ()) -> Pool:
    """Gather what variants draw on; the order of cases and documents does not matter.

    Args:
        cases: all cases of the dataset.
        documents: the documents of its corpus, as passages.
    """
    cases, found = list(cases), list(documents)
    found += [passage for case in cases for passage in case.query.contexts]
    texts = [case.query.input for case in cases] + [passage.text for passage in found]
    distinct = {(passage.doc_id, passage.text): passage for passage in found}
    return Pool(
        frozenset(word for text in texts for word in words(text)),
        tuple(distinct[key] for key in sorted(distinct)),
    )


def make_variants(
    cases: Sequence[Case], kinds: Sequence[str], pool: Pool, *, seed: int = 0, n: int = 1
) -> Made:
    """Make ``n`` variants of each kind of each case, with the seeds ``seed``, ``seed + 1``, ...

    A variant is its case with another input or other passages, ``twin_of`` that case, with the kind and the
    seed in ``metadata``, and the id ``<case>.<kind>.<seed>``: the same call makes the same variants, whatever
    the order of the cases or the other kinds. Gold facts are never changed: where a change would touch them,
    there is no variant, but a reason. A second variant that says the same as the first is not made.

    Args:
        cases: the originals; twins among them have no variants of their own.
        kinds: names of ``KINDS``.
        pool: of the whole dataset.
        seed: of the first variant of each kind.
        n: how many of each kind.
    """
    made: list[Case] = []
    skipped: list[Skipped] = []
    for case in cases:
        for kind in kinds:
            seen: set[object] = set()
            for number in range(seed, seed + n):
                found = make_variant(case, kind, pool, number)
                if isinstance(found, str):
                    skipped.append(Skipped(case.id, kind, found))
                    break
                said = found.query.input, found.query.history, found.query.contexts
                if said in seen:
                    skipped.append(Skipped(case.id, kind, "another seed makes the same"))
                    continue
                seen.add(said)
                made.append(found)
    return Made(tuple(made), tuple(skipped))


def make_variant(case: Case, kind: str, pool: Pool, seed: int) -> Case | str:
    """Make one variant of one case, or say why there is none."""
    rule, language = KINDS[kind], language_of(case)
    if case.twin_of is not None:
        return "it is a twin itself"
    if {VARIANT, SEED} & case.metadata.keys():
        return f"its metadata has {VARIANT!r} already"
    if rule.languages is not None and language not in rule.languages:
        known = ", ".join(sorted(rule.languages))
        return f"its language is {language or 'not known'}; {kind} knows {known}"
    changed = rule.make(case, Draw(seed, kind, case.id), pool)
    if isinstance(changed, str):
        return changed
    if refusal := _refusal(case, changed):
        return refusal
    return replace(
        changed,
        query=replace(changed.query, id=variant_id(case.id, kind, seed)),
        twin_of=case.id,
        metadata={**case.metadata, VARIANT: kind, SEED: seed},
    )


def variant_id(case_id: str, kind: str, seed: int) -> str:
    """Give the id of a variant; where it would be too long, the middle is a digest of the case's id."""
    end = f".{kind}.{seed}"
    if len(case_id) + len(end) <= LONGEST_ID:
        return case_id + end
    digest = "." + hashlib.sha256(case_id.encode()).hexdigest()[:12]
    return case_id[: LONGEST_ID - len(end) - len(digest)] + digest + end


def _refusal(case: Case, changed: Case) -> str:
    """Say what a change has touched that it must not, or ''."""
    if gone := lost(case, changed.query.input):
        return gone
    facts = tuple(
        one for one in changed.must_not_include if one in case.must_not_include or one not in CANARIES
    )
    allowed = replace(changed, query=case.query, groups=case.groups, must_not_include=facts)
    return "" if allowed == case else "it would change what is expected"
