"""The candidates page: inert whatever the names, whole without scripts, the same bytes; the console fits."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from sample_candidates import HOSTILE, raced, recordings, sample
from test_report_html import Page

from harness.report import candidates_json, candidates_text
from harness.report.candidates import render
from harness.report.charts import Spot, scatter
from harness.report.visible import visible

SHOWN = visible(HOSTILE, one_line=True)


@pytest.fixture(scope="module")
def page() -> str:
    return render(sample(raced()))


def test_the_same_candidates_are_the_same_bytes(page: str) -> None:
    """In any order of the runs, and under another hash seed in another process."""
    assert render(sample(raced(), recordings()[::-1])) == page
    code = "import sys; from sample_candidates import *; from harness.report.candidates import render; "
    code += "sys.stdout.buffer.write(render(sample(raced())).encode())"
    folder = Path(__file__).parent
    path = os.pathsep.join(map(str, (folder, folder.parent)))
    env = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "3", "TZ": "Asia/Tokyo"}
    again = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert again.stdout.decode() == page


def test_a_hostile_name_adds_no_tag_and_no_attribute(page: str) -> None:
    """The name is read as it is, with what cannot be seen spelled out."""
    assert HOSTILE not in page
    found = Page(page)
    assert not [tag for tag, attributes in found.tags if tag == "img" or "onerror" in attributes]
    assert not [name for _, attributes in found.tags for name in attributes if name.startswith("on")]
    assert not [attributes for _, attributes in found.tags if "style" in attributes]
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert SHOWN in found.words


def test_everything_is_said_without_scripts(page: str) -> None:
    """The sentence, what stands against each other, every requirement in words, letters, the front."""
    found = sample(raced())
    words = Page(page).words
    assert found.choice.sentence in words
    for text in (*found.choice.blocked, *found.rules, *found.notices):
        assert visible(text, one_line=True) in words
    for said in ("✓ met", "✕ broken", "◆ cannot tell", "▶ ship this one", "≈ tied with the best"):
        assert said in words
    assert "no: 4 is as good or better in all" in words
    assert "not known (0/150 tell it)" in words
    assert "✕ dropped at most −0.120" in words


def test_every_chart_has_its_words_and_its_table(page: str) -> None:
    """Title, description with every figure, and who is not drawn because its cost is not known."""
    drawings = re.findall(r'<svg role="img".*?</svg>', page, re.DOTALL)
    assert len(drawings) == 2
    for drawing in drawings:
        assert "<title>Quality and " in drawing
        said = re.search("<desc>(.*?)</desc>", drawing)
        assert said is not None
        assert "small-model: 0.893" in said.group(1)
    hollow = [len(re.findall('class="hollow"', drawing)) for drawing in drawings]
    assert hollow == [0, 2]
    assert f"Not drawn, not known: {SHOWN}, no-rerank" in Page(page).words


def test_the_matrix_turns_with_its_sides(page: str) -> None:
    """Row minus column is the other side with the sign turned, interval and arrow with it."""
    words = Page(page).words
    assert "▲ +0.160 better [+0.059, +0.261]" in words
    assert "▼ −0.160 worse [−0.261, −0.059]" in words


def test_json_is_the_whole_value() -> None:
    """One line, sorted, versioned; what is not known is null."""
    text = candidates_json.render(sample())
    found = json.loads(text)
    assert text.count("\n") == 1
    assert (found["schema_version"], found["quality"], found["race"]) == (1, "quality", None)
    silent = next(one for one in found["candidates"] if one["name"] == HOSTILE)
    assert silent["cost_per_1000"]["value"] is None


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_the_console_fits_and_is_inert(width: int, ascii_only: bool) -> None:
    """No line is longer, none steers a terminal or a runner, and every candidate is named."""
    text = candidates_text.render(sample(raced()), width, ascii_only)
    assert max(map(len, text.splitlines())) <= width
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e]|##\\[", text)
    assert text.isascii() or not ascii_only
    for said in ("small-model", "no-rerank", "reranked", "ship", "tied"):
        assert said in text


def test_a_race_says_how_it_differs_from_a_comparison(page: str) -> None:
    """One line on console and page: at which rate a race drops, at which all else is told apart."""
    said = "wrongly with 20 % at most for each; letters and 'harness compare' tell apart with 95 %"
    console = candidates_text.render(sample(raced()), 400, False)
    assert sum(said in line for line in console.splitlines()) == 1
    assert html.unescape(page).count(said) == 1
    assert said not in candidates_text.render(sample(), 400, False)


@given(
    st.lists(
        st.tuples(st.floats(0, 1e6), st.floats(-1, 1), st.floats(0, 0.5), st.text("abcd", max_size=20)),
        min_size=1,
        max_size=16,
    ),
    st.booleans(),
)
def test_everything_in_a_scatter_lies_inside(
    found: list[tuple[float, float, float, str]], down_is_better: bool
) -> None:
    """Points and interval ends between 0 and 100 percent; better is higher up."""
    spots = [Spot(x, y, y - half, y + half, label) for x, y, half, label in found]
    drawing = scatter(spots, down_is_better=down_is_better)
    for spot, mark in zip(spots, drawing.marks, strict=True):
        assert 0 <= mark.x <= 100
        assert mark.top is not None
        assert mark.bottom is not None
        assert 0 <= mark.top <= mark.y <= mark.bottom <= 100
        assert 0 <= mark.label_x <= 103
        assert mark.label == spot.label
    best = (min if down_is_better else max)(range(len(spots)), key=lambda k: spots[k].y)
    assert drawing.marks[best].y == min(mark.y for mark in drawing.marks)


def test_labels_do_not_cover_each_other() -> None:
    """Six points in one place have six labels in six places."""
    marks = scatter([Spot(1.0, 0.5, 0.4, 0.6, f"name {k}") for k in range(6)], down_is_better=False).marks
    assert len({(mark.label_x, mark.label_y) for mark in marks}) == 6


def test_a_label_at_the_edge_stays_inside() -> None:
    """Two points close together at the right: the second label moves up or down, not out of the drawing."""
    spots = [Spot(5.0, 0.5, 0.4, 0.6, "1 plain system n1"), Spot(5.3, 0.5, 0.4, 0.6, "2 plain system o1")]
    marks = scatter([*spots, Spot(2.5, 0.2, 0.1, 0.3, "3 degraded")], down_is_better=False).marks
    assert all(mark.ends for mark in marks[:2])
    assert marks[0].label_y != marks[1].label_y


def test_the_heading_of_the_quality_is_not_cut() -> None:
    """A long name takes the place of the level's letters."""
    long, found = "required_facts", sample(raced())
    renamed = structs.replace(
        found,
        quality=long,
        metrics={long: found.metrics[found.quality]},
        candidates=tuple(
            structs.replace(one, standings={long: one.standings[found.quality]}) for one in found.candidates
        ),
    )
    assert f"{long} [95 %]  " in candidates_text.render(renamed, 120, False)
