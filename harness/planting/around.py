"""What a run offers to the faults that are planted in its answers: other answers, names, documents."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

from harness.language import likely_language
from harness.planting.edits import names_in
from harness.planting.faults import Donor, Surroundings, language_of
from harness.types import Case, Response

Answered = Sequence[tuple[Case, Response]]
"""Cases with their recorded answers, each with an output."""


class Run:
    """A run as the faults see it; made once, asked for each fault and case."""

    def __init__(self, answered: Answered, seed: int) -> None:
        """Read the answers and passages of a run; ``seed`` is that of all that is drawn."""
        self._seed = seed
        self._languages = {case.id: language_of(case, response) for case, response in answered}
        self._donors = tuple(
            Donor(case.id, self._languages[case.id], _answers(case, response), response.output or "")
            for case, response in answered
        )
        passages = {passage.text: passage for _, response in answered for passage in response.retrieved}
        self._names = _names([*passages])
        self._documents = tuple(sorted({passage.doc_id for passage in passages.values()}))

    def around(self, fault: str, case: Case) -> Surroundings:
        """Give what a fault may draw on for a case; its chance depends on seed, fault and case alone."""
        return Surroundings(
            language=self._languages[case.id],
            donors=self._donors,
            names=self._names,
            documents=self._documents,
            chance=random.Random(f"{self._seed}/{fault}/{case.id}"),  # noqa: S311 -- a simulation
        )


def _answers(case: Case, response: Response) -> bool:
    return case.expected_behavior == "answer" and not response.refused


def _names(passages: Sequence[str]) -> tuple[str, ...]:
    """Give the names of a run: capitalised words that several of its languages share.

    In a run of one language, all of them. German does not count, as every noun has a capital there.
    """
    languages = defaultdict(set)
    known: set[str] = set()
    for text in passages:
        language = likely_language(text)
        if language is not None and language != "de":
            known.add(language)
            for start, end in names_in(text):
                languages[text[start:end]].add(language)
    least = min(2, len(known))
    return tuple(sorted(name for name, found in languages.items() if len(found) >= least))
