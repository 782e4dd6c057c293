"""The report as one HTML file that needs no network: static pages, case data packed, scripts by hash only."""

from __future__ import annotations

import base64
import functools
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from harness import numbers
from harness.report import views, wording
from harness.report.payload import pack
from harness.report.visible import visible
from harness.types import Report

_HERE = Path(__file__).parent
_STYLES = ("page.css", "charts.css", "cases.css", "media.css")
_SCRIPTS = ("dom.js", "data.js", "diff.js", "list.js", "case.js", "main.js")
MAX_LISTED = 50
"""Regressions in the static page; the case list has all."""


def render(report: Report) -> str:
    """Give the page; the same report gives the same bytes.

    Verdict, regressions, slices and record are static and stand without scripts; the case list and the
    case pages are built from the packed blocks. The policy allows this page's own style and script by
    their SHA-256 and nothing else: no network, no handlers, no style attributes, no frames, no forms.
    Every text goes through autoescape after its invisible characters were made visible.
    """
    style, script = _asset(_STYLES), _script()
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "style-src-attr 'none'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    template = _environment().get_template("report.html")
    page: str = template.render(
        report=report,
        policy=policy,
        style=style,
        script=script,
        payload=pack(report),
        **_parts(report),
    )
    return page


def _parts(report: Report) -> dict[str, Any]:
    """What the templates set, by name."""
    return {
        "gates": wording.gate_rows(report),
        "drops_rate": wording.drops_rate(report),
        "level": numbers.level_name(verdict.interval for verdict in report.verdicts),
        "metric_plots": views.metric_plots(report),
        "estimates": views.estimate_rows(report),
        "changes": views.change_rows(report),
        "stages": wording.stage_counts(report.attribution) if report.attribution else {},
        "refusals": views.refusal_rows(report),
        "hardest": views.hardest_hit(report),
        "matrix": views.slice_matrix(report),
        "gaps": views.gap_views(report),
        "record": views.record_rows(report),
        "config": views.config_rows(report),
        "suite_json": msgspec.json.format(
            msgspec.json.encode(report.run.suite, order="sorted"), indent=2
        ).decode(),
        "max_listed": MAX_LISTED,
    }


@functools.cache
def _asset(names: tuple[str, ...]) -> str:
    return "".join((_HERE / "assets" / name).read_text(encoding="utf-8") for name in names)


def _script() -> str:
    return f'(() => {{\n"use strict";\n{_asset(_SCRIPTS)}}})();\n'


def _hash(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


@functools.cache
def _environment() -> Any:
    import jinja2
    from markupsafe import Markup

    def show(value: object) -> object:
        """Make every text that a template sets visible; our own markup passes."""
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=show,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals.update(wording=wording, numbers=numbers)
    environment.filters["route"] = lambda case_id: quote(visible(case_id, one_line=True), safe="")
    environment.filters["one_line"] = lambda text: visible(text, one_line=True)
    environment.filters["count"] = numbers.count
    return environment
