"""The frame of every HTML document: policy by hashes, style, bar with pages, theme, keys, skip link."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from harness import numbers
from harness.report import wording
from harness.report.visible import visible

_HERE = Path(__file__).parent


class Page(Struct, frozen=True):
    """One page of a document: its address and file name, its word in the bar, its key after ``g``.

    ``templates/<name>.html`` is a ``section.page`` with ``data-page="<name>"``. The first page of a
    document opens at ``#/``.
    """

    name: str
    title: str
    key: str


def render_document(
    template: str,
    pages: Sequence[Page],
    *,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    **parts: Any,
) -> str:
    """Give a document in the frame; the same parts give the same bytes.

    All pages are static and stand without scripts. The policy allows this document's own style and script
    by their SHA-256 and nothing else: no network, no handlers, no style attributes, no frames, no forms.
    Every text goes through autoescape after its invisible characters were made visible.

    Args:
        template: extends ``frame.html`` with its title, its chip, its own keys and its packed data, if any.
        pages: in the order of the bar.
        styles: assets of this document besides those of the frame.
        scripts: assets that may fill ``visits`` (what a page does before it shows) and ``actions`` (keys).
        parts: what the templates set, by name.
    """
    style = asset(("page.css", "charts.css", *styles, "media.css"))
    script = f'(() => {{\n"use strict";\n{asset(("dom.js", "pages.js", *scripts, "open.js"))}}})();\n'
    policy = (
        f"default-src 'none'; script-src '{hash_of(script)}'; style-src '{hash_of(style)}'; "
        "style-src-attr 'none'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    document: str = (
        environment()
        .get_template(template)
        .render(pages=pages, policy=policy, style=style, script=script, **parts)
    )
    return document


@functools.cache
def asset(names: tuple[str, ...]) -> str:
    """Give the assets of these names as one text."""
    return "".join((_HERE / "assets" / name).read_text(encoding="utf-8") for name in names)


def hash_of(content: str) -> str:
    """Give the source expression that a content security policy knows an inline style or script by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


@functools.cache
def environment() -> Any:
    """Give the environment of all templates: autoescape, and texts made visible."""
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
