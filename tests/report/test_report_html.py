"""The HTML report: complete without scripts, inert whatever the data, the same bytes every time."""

from __future__ import annotations

import base64
import hashlib
import os
import random
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample import sample, sample_alone
from sample_cases import HOSTILE, case, claims, pair, passage, response, scored
from saturate import saturate

from harness.report.html import render
from harness.types import CasePair, Evidence, Report, Response

ASSETS = Path(sys.modules[render.__module__].__file__ or "").parent / "assets"


class Page(HTMLParser):
    """What a parser finds: tags with their attributes, and the text of each kind of element."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open, data))

    @property
    def shape(self) -> set[tuple[str, str]]:
        """Every tag with every name of an attribute."""
        return {(tag, name) for tag, attributes in self.tags for name in ("", *attributes)}

    @property
    def words(self) -> str:
        """What is read, without style and scripts."""
        return " ".join(" ".join(d for t, d in self.texts if t not in ("style", "script")).split())

    def content(self, tag: str) -> list[str]:
        """The text inside every element of a kind."""
        return [data for found, data in self.texts if found == tag]


PLAIN = Page(render(sample()))


def test_verdict_and_findings_are_static() -> None:
    """A reader without scripts has the three lines, the gates, the slices and the groups."""
    words = PLAIN.words
    places = [
        words.index(part) for part in ("2 of 7 gates. Do not merge.", "faithfulness fell", "31 of the 61")
    ]
    places += [
        words.index(part) for part in ("lang-gap", "recall@5 drop", "Change per metric", "What changed")
    ]
    places += [words.index(part) for part in ("Hardest hit", "too few cases to judge", "Run record")]
    assert places == sorted(places)


def test_accounting_adds_up_on_the_page() -> None:
    """The counts after the equals sign are the parts of the one before it."""
    selected, *parts = re.findall(r"<dd>([\d,]+)</dd>", render(sample()))[:5]
    assert int(selected.replace(",", "")) == sum(int(part.replace(",", "")) for part in parts)


def test_small_groups_are_listed_and_not_judged() -> None:
    """A group below the minimum stands in its place, hollow, with what it would need."""
    assert "n = 9: too few cases to judge (need 30)" in PLAIN.words
    assert ("svg", "class") in PLAIN.shape
    assert any("hollow" in (attributes.get("class") or "") for _, attributes in PLAIN.tags)


def test_without_a_baseline_the_page_says_so() -> None:
    """Estimates stand alone, and nothing speaks of change."""
    words = Page(render(sample_alone())).words
    assert "no baseline: nothing to compare with" in words
    assert "Change per metric" not in words
    assert "Regressions" not in words
    assert "0.871" in words


def test_f18_policy_allows_this_style_and_script_and_nothing_else() -> None:
    """The hashes are those of the only style and the only script that runs."""
    policy = next(a["content"] or "" for t, a in PLAIN.tags if a.get("http-equiv"))
    (style,) = PLAIN.content("style")
    scripts = [d for d in PLAIN.content("script") if d.startswith("(() =>")]
    for name, content in (("style-src", style), ("script-src", scripts[0])):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}'" in policy
    assert len(scripts) == 1
    for part in ("default-src 'none'", "style-src-attr 'none'", "base-uri 'none'", "form-action 'none'"):
        assert part in policy


def test_f18_every_other_script_is_data() -> None:
    """Blocks are base64 of a type that no browser runs."""
    blocks = [a for t, a in PLAIN.tags if t == "script" and a.get("type")]
    assert {a["type"] for a in blocks} == {"application/octet-stream"}
    assert len(blocks) == sum(t == "script" for t, _ in PLAIN.tags) - 1
    for data in PLAIN.content("script"):
        assert data.startswith("(() =>") or re.fullmatch(r"[A-Za-z0-9+/=]+", data)


def test_f18_no_handlers_no_style_attributes_no_outside_addresses() -> None:
    """Links stay on the page; nothing loads, posts or listens in markup."""
    for _, attributes in PLAIN.tags:
        assert not [
            name for name in attributes if name.startswith("on") or name in ("style", "src", "srcdoc")
        ]
        for name in ("href", "action", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
    assert not {tag for tag, _ in PLAIN.tags} & {"iframe", "form", "object", "embed", "base", "img", "link"}


@pytest.mark.parametrize(
    "banned",
    ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "fetch(",
     "XMLHttpRequest", "srcdoc", "WebSocket", "import("],
)  # fmt: skip
def test_f18_scripts_have_no_way_to_make_markup_or_calls(banned: str) -> None:
    """What is not in the source cannot be reached by data."""
    assert not [file.name for file in ASSETS.glob("*.js") if banned in file.read_text(encoding="utf-8")]


def test_f18_hostile_text_adds_no_tag_and_no_attribute() -> None:
    """With payloads in every text field the page has only tags and attributes that it has without."""
    page = Page(render(saturate(sample(), HOSTILE)))
    assert page.shape <= PLAIN.shape
    assert sum(t == "script" for t, _ in page.tags) == sum(t == "script" for t, _ in PLAIN.tags)
    assert "<script>alert('xss')</script>" in page.words
    assert not [char for _, text in page.texts for char in text if char in "\x00\x1b\u202e\u200b\ufeff"]


@settings(max_examples=15, deadline=None)
@given(st.text(alphabet=st.characters()) | st.lists(st.sampled_from("<>\"'&/= \n`{}%#ao!-")).map("".join))
def test_f18_any_text_in_every_field_is_inert(text: str) -> None:
    """The same for any text: no new tag, no new attribute, still UTF-8."""
    shown = render(saturate(sample(), text))
    shown.encode()
    assert Page(shown).shape <= PLAIN.shape


def test_f17_templates_in_data_stay_text() -> None:
    """What looks like a template is shown as it is."""
    assert "{{7*7}} {% raw %} ${env:HOME}" in Page(render(saturate(sample(), HOSTILE))).words


def test_texts_have_their_own_direction() -> None:
    """Lines that hold data are set from their own first strong letter."""
    assert sum(attributes.get("dir") == "auto" for _, attributes in PLAIN.tags) > 20


def test_the_same_report_is_the_same_bytes_in_every_process() -> None:
    """Neither the moment nor the order of hashing shows."""
    code = (
        "import hashlib, sample; from harness.report import html, json, junit, markdown, text\n"
        "r = sample.sample()\n"
        "parts = [m.render(r) for m in (html, json, junit, markdown)] + [text.render(r, 80, True, False)]\n"
        "print(hashlib.sha256(''.join(parts).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parent)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
    assert render(sample()) == render(sample())


# -- size --------------------------------------------------------------------------------------------------


def _many(n: int) -> Report:
    """Cases with words as unevenly frequent as in a language, five of shared passages each, in both runs."""
    rng = random.Random(7)  # noqa: S311  (words, not secrets)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 10))) for _ in range(4000)]
    weights = list(accumulate(1 / (rank + 2) for rank in range(len(words))))
    documents = [(f"doc/{i:05d}", _sentence(rng, words, weights, 90)) for i in range(n // 5)]

    def answer() -> Response:
        found = rng.sample(documents, 5)
        passages = [passage(d, text, rank, round(rng.random(), 3)) for rank, (d, text) in enumerate(found, 1)]
        return response(_sentence(rng, words, weights, 35), *passages, total_s=round(rng.uniform(0.5, 3), 3))

    def judged(found: Response) -> dict[str, Any]:
        said = (found.output or "").split()
        held = found.retrieved[0]
        support = held.doc_id, held.text[20:80]
        rows = ((" ".join(said[at : at + 12]), "supported", "covered", support) for at in (0, 12, 24))
        return claims(found, *rows)

    def one(i: int) -> CasePair:
        question, golden = (_sentence(rng, words, weights, k) for k in (14, 12))
        evidence = (Evidence(documents[i % len(documents)][0]),)
        asked = case(f"case-{i:05d}", question, "de", "refunds", golden, evidence=evidence)
        before, after = answer(), answer()
        old = scored(round(rng.random(), 3), 1.0, **judged(before))
        new = scored(round(rng.random(), 3), 0.5, **judged(after))
        return pair(asked, (before, old), (after, new), "answer changed")

    return msgspec.structs.replace(sample(), cases=tuple(one(i) for i in range(n)))


def _sentence(rng: random.Random, words: list[str], weights: list[float], k: int) -> str:
    return " ".join(rng.choices(words, cum_weights=weights, k=k))


@pytest.mark.slow
def test_f38_ten_thousand_cases_stay_below_eight_megabytes() -> None:
    """Two runs, five passages and three claims each: one file of less than 8 MB and few elements."""
    text = render(_many(10_000))
    assert len(text.encode()) < 8_000_000
    assert len(Page(text).tags) < 2_000


# -- colours -----------------------------------------------------------------------------------------------

ON = {
    "text": ("page", "card", "sunk", "mark", "better-wash", "worse-wash"),
    "soft": ("page", "card", "sunk", "mark", "better-wash", "worse-wash"),
    "better": ("page", "card", "sunk", "better-wash"),
    "worse": ("page", "card", "sunk", "worse-wash"),
}
"""What each colour of text stands on."""


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_text_has_a_contrast_of_four_and_a_half(theme: int) -> None:
    """WCAG AA for text, on every ground it stands on, in both themes."""
    css = (ASSETS / "page.css").read_text(encoding="utf-8")
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", css)
    colors = {name: pair_[theme] for name, *pair_ in found}
    for text, grounds in ON.items():
        for ground in grounds:
            low, high = sorted((_luminance(colors[text]), _luminance(colors[ground])))
            assert (high + 0.05) / (low + 0.05) >= 4.5, f"{text} on {ground}"
