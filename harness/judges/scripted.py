"""A judge that says what a suite's script says: to try a suite without a service."""

from __future__ import annotations

from harness.errors import JudgeFailure
from harness.judges.client import Reading
from harness.types import JudgeSettings, Question, Scripted

SERVED = "script"
"""What stands where others have the model that their service says it used."""


class ScriptedJudge:
    """Asked as a service is; the same question always has the same verdict, for no tokens."""

    def __init__(self, settings: JudgeSettings) -> None:
        """Take the settings, whose ``script`` it follows."""
        self.settings = settings

    async def ask(self, question: Question, marker: str) -> Reading:
        """Give each item the verdict of the first line whose text it holds, among those that are wanted.

        Raises:
            JudgeFailure: no line speaks of an item, or none with a verdict that is wanted.
        """
        del marker
        script = self.settings.script or ()
        labels = [_verdict(item, number, question, script) for number, item in enumerate(question.items, 1)]
        shares = tuple(tuple(float(label == one) for one in question.labels) for label in labels)
        return Reading(shares, SERVED, 0, 0)


def _verdict(item: str, number: int, question: Question, script: tuple[Scripted, ...]) -> str:
    said = [line.verdict for line in script if line.has in item]
    found = next((verdict for verdict in said if verdict in question.labels), None)
    if found is None:
        why = f"has no verdict of those wanted ({', '.join(question.labels)})" if said else "says nothing"
        raise JudgeFailure(f"the judge's script {why} on item {number}", answered=True)
    return found
