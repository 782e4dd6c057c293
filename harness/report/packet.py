"""A packet of answers to be labelled, as one HTML file that asks nobody, or as CSV."""

from __future__ import annotations

import csv
import io

from harness.report.frame import asset, environment, hash_of
from harness.report.visible import no_formula, visible
from harness.types import Packet

COLUMNS = ("packet", "item", "question", "answer", "passages", "references", "label", "comment", "rater")


def render_html(packet: Packet) -> str:
    """Give the page: every item with its choices; a script keeps them and saves a JSON file to send back.

    The policy allows this page's own style and script by their SHA-256 and nothing else: no network. All
    texts go through autoescape after their invisible characters were made visible.
    """
    style, script = asset(("packet.css",)), asset(("packet.js",))
    policy = (
        f"default-src 'none'; script-src '{hash_of(script)}'; style-src '{hash_of(style)}'; "
        "style-src-attr 'none'; base-uri 'none'; form-action 'none'"
    )
    page: str = (
        environment()
        .get_template("packet.html")
        .render(packet=packet, policy=policy, style=style, script=script, choices=_choices(packet.scale))
    )
    return page


def render_csv(packet: Packet) -> str:
    """Give the table, one row an item, to be filled in: label, comment, rater. No cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for item in packet.items:
        history = [f"[{turn.role}] {turn.content}" for turn in item.history]
        cells = [
            packet.id,
            item.id,
            "\n".join([*history, item.input]),
            item.output,
            "\n---\n".join(item.passages),
            "\n---\n".join(item.references),
        ]
        writer.writerow([*(no_formula(visible(cell)) for cell in cells), "", "", ""])
    return out.getvalue()


def _choices(scale: tuple[float, ...]) -> list[tuple[str, str]]:
    """Value and words of every choice, the best first."""
    values = [f"{value:g}" for value in reversed(scale)]
    words = ["yes", "no"] if len(values) == 2 else values
    return list(zip(values, words, strict=True))
