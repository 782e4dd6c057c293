"""A recording made small for a baseline: compressed, and without text where that is wanted."""

from __future__ import annotations

import gzip
import hashlib
import io
from itertools import chain
from typing import get_args

from msgspec.structs import replace

from harness.recordings.lines import End, dump, dump_header
from harness.types import Behavior, Case, Recorded, Result, Score


def pack_slim(recorded: Recorded, *, keep_text: bool) -> bytes:
    """Give the bytes of a compressed recording (name it ``.gz``): the same for the same content.

    Without text every output becomes ``sha256:<hex>``, and these are left out: inputs, reference answers,
    quotes, passage texts, error messages, reasons, and of ``details`` all but numbers, booleans, behaviours
    and who judged. An incomplete recording stays incomplete. Of a run that stopped early it holds the cases
    that were asked, as if no others had been planned.
    """
    cases = recorded.cases if keep_text else map(_case_without_text, recorded.cases)
    results = recorded.results if keep_text else map(_result_without_text, recorded.results)
    run = replace(recorded.run, n_cases=len(recorded.cases))
    header = dump_header(run, cases, recorded.digests, {})
    packed, sha256 = io.BytesIO(), hashlib.sha256()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:
        for line in chain(header, (dump(b"result", result) for result in results)):
            sha256.update(line)
            file.write(line)
        if recorded.complete:
            file.write(dump(b"end", End(len(recorded.results), sha256.hexdigest(), keep_text)))
    return packed.getvalue()


def _case_without_text(case: Case) -> Case:
    return replace(
        case,
        query=replace(case.query, input="", history=(), contexts=()),
        expected_output=(),
        evidence=tuple(replace(part, quote=None) for part in case.evidence),
        must_include=(),
        must_not_include=(),
    )


def _result_without_text(result: Result) -> Result:
    response = result.response
    output = response.output
    if output is not None:
        output = f"sha256:{hashlib.sha256(output.encode('utf-8', 'backslashreplace')).hexdigest()}"
    return replace(
        result,
        response=replace(
            response,
            output=output,
            retrieved=tuple(replace(passage, text="") for passage in response.retrieved),
            error=response.error and replace(response.error, message=""),
        ),
        scores={name: _score_without_text(score) for name, score in result.scores.items()},
    )


def _score_without_text(score: Score) -> Score:
    # Observed behaviours are needed to compare refusals; a word of a closed set gives no text away.
    kept = {
        key: value
        for key, value in score.details.items()
        if isinstance(value, (bool, int, float)) or value in get_args(Behavior)
    }
    judges = score.details.get("judges")
    if isinstance(judges, list):  # names of models: runs are comparable where the same ones judged
        kept["judges"] = judges
    return Score(score.value, score.status, "", kept)
