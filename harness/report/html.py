"""The report as one HTML file that needs no network: static pages, and case data packed beside them."""

from __future__ import annotations

from typing import Any

import msgspec

from harness import numbers
from harness.report import views, wording
from harness.report.frame import Page, render_document
from harness.report.gap_views import gap_view
from harness.report.judge_rows import judge_rows
from harness.report.payload import pack
from harness.report.robustness_rows import robustness_rows
from harness.types import Report

_VERDICT = Page("verdict", "Verdict", "v")
_REGRESSIONS = Page("regressions", "Regressions", "r")
_ALWAYS = (
    Page("slices", "Slices and groups", "s"),
    Page("cases", "Cases", "c"),
    Page("record", "Record", "e"),
)
_SCRIPTS = ("data.js", "diff.js", "list.js", "case.js", "report.js")
MAX_LISTED = 50
"""Regressions in the static page; the case list has all."""


def render(report: Report) -> str:
    """Give the page; the same report gives the same bytes.

    Verdict, regressions, slices and record are static and stand without scripts; the case list and the
    case pages are built from the packed blocks.
    """
    compared = (_REGRESSIONS,) if report.baseline or report.regressions else ()
    return render_document(
        "report.html",
        (_VERDICT, *compared, *_ALWAYS),
        styles=("cases.css",),
        scripts=_SCRIPTS,
        report=report,
        payload=pack(report),
        **_parts(report),
    )


def _parts(report: Report) -> dict[str, Any]:
    """What the templates set, by name."""
    return {
        "gates": wording.gate_rows(report),
        "drops_rate": wording.drops_rate(report),
        "level": numbers.level_name(verdict.interval for verdict in report.verdicts),
        "metric_plots": views.metric_plots(report),
        "estimates": views.estimate_rows(report),
        "changes": views.change_rows(report),
        "judged": judge_rows(report),
        "stages": wording.stage_counts(report.attribution) if report.attribution else {},
        "refusals": views.refusal_rows(report),
        "hardest": views.hardest_hit(report),
        "matrix": views.slice_matrix(report),
        "robustness": robustness_rows(report),
        "gaps": [gap_view(report, gap, report.verdicts) for gap in report.gaps],
        "record": views.record_rows(report),
        "config": views.config_rows(report),
        "suite_json": msgspec.json.format(
            msgspec.json.encode(report.run.suite, order="sorted"), indent=2
        ).decode(),
        "max_listed": MAX_LISTED,
    }
