"""The audit as a page and as JSON: complete without scripts, inert, the same bytes, and nothing hidden."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from sample_audit import sample_audit
from sample_cases import HOSTILE
from saturate import saturate
from test_report_html import Page

from harness.report.audit import render
from harness.report.json import render_audit
from harness.types import Audit, Interval

PLAIN = Page(render(sample_audit()))


def test_the_pages_stand_in_the_order_of_an_audit() -> None:
    """Statement, groups, gaps with refusals and change, crossed, twins, confounders, judges, sign-off."""
    parts = (
        "each group against all other cases", "What was not", "Gates on gaps", "By language", "best − worst",
        "Refusals, both directions", "Change against the baseline", "Intersections", "Counterfactual twins",
        "Pairs that differ most", "At equal mix", "Judges", "For print.", "Signature", "What was signed",
    )  # fmt: skip
    places = [PLAIN.words.index(part) for part in parts]
    assert places == sorted(places)


def test_what_must_not_be_missed_is_said() -> None:
    """Verdicts in words, small groups with what they need, both directions, signs that change."""
    for said in (
        "FAIL: worse beyond tolerance",
        "n = 9: too few cases to judge (need 30)",
        "needs 310 cases for a gap of 0.040",
        "widened against this group",
        "worse than the rest by 0.120 (95 %: at least 0.012, at most 0.220)",
        "0.075 (95 %: at least 0.030, at most 0.130)",
        "0.090 (95 %: at least 0.006, at most 0.160)",
        "Is the group worse?",
        "each group against the rest (third column)",
        "SIGN CHANGES",
        "turkish_male is worse served",
        "12 0.300 [0.200, 0.400]",
        "smallest detectable",
        "is not excluded",
        "as right for one group as for another is unmeasured",
        "Tables are not corrected for each other",
    ):
        assert said in PLAIN.words, said
    assert any("hollow" in (attributes.get("class") or "") for _, attributes in PLAIN.tags)
    assert any(attributes.get("class") == "unknown" for tag, attributes in PLAIN.tags if tag == "td")


def test_a_difference_found_by_a_better_group_names_it() -> None:
    """The first page never says "difference found" without who differs, and how."""
    audit = sample_audit()
    item = next(one for one in audit.gaps if one.gap.groups[0].interval is not None)
    span = Interval(-0.3, -0.1, 0.95, "t")
    better = msgspec.structs.replace(
        item.gap.groups[0], verdict="better than the rest", deficit=-0.2, interval=span
    )
    gap = msgspec.structs.replace(item.gap, verdict="difference found", groups=(better,))
    alone = msgspec.structs.replace(audit, gaps=(msgspec.structs.replace(item, gap=gap),))
    said = f"difference found; {better.group} better than the rest: −0.200"
    assert said in Page(render(alone)).words


def test_a_ratio_is_named_by_what_it_is() -> None:
    """The smaller mean over the larger one, which is best over worst where lower is better."""
    assert "lower ÷ higher" in PLAIN.words
    assert "worst ÷ best" not in PLAIN.words


def test_without_a_judge_the_rules_are_warned_of() -> None:
    """No model judged, and the scoring rules were not checked by group either."""
    audit = sample_audit()
    plain = msgspec.structs.replace(audit, run=msgspec.structs.replace(audit.run, judges={}))
    assert "No metric of this run is judged by a model. The scoring rules" in Page(render(plain)).words


def test_what_there_is_none_of_is_said() -> None:
    """No cross, twin, stratum, baseline or gate: each page says that it was not audited, and why."""
    bare = msgspec.structs.replace(
        sample_audit(),
        intersections=(),
        twins=(),
        by_topic=(),
        gaps=(),
        baseline=None,
        outcome=None,
        verdicts=(),
    )
    words = Page(render(bare)).words
    for said in (
        "crosses none of the audited",
        "no case of this run is a twin_of",
        "--by-topic",
        "there is no baseline",
    ):
        assert said in words
    assert "no gap gate" in words


def test_no_scripts_but_its_own_and_no_way_out() -> None:
    """One script by its hash, no data blocks, no handlers, no style attributes, links on the page."""
    scripts = [a for t, a in PLAIN.tags if t == "script"]
    assert len(scripts) == 1
    for _, attributes in PLAIN.tags:
        assert not [
            name for name in attributes if name.startswith("on") or name in ("style", "src", "srcdoc")
        ]
        assert (attributes.get("href") or "#").startswith("#")


@pytest.mark.parametrize("text", [HOSTILE, "<img src=x onerror=1>", "{{7*7}}", "\x1b[31m\u202e", "\"'&`"])
def test_f18_hostile_text_adds_no_tag_and_no_attribute(text: str) -> None:
    """Names of groups, cases and runs, questions and answers stay text."""
    page = Page(render(saturate_audit(text)))
    assert page.shape <= PLAIN.shape
    assert not [char for _, found in page.texts for char in found if char in "\x00\x1b\u202e\u200b\ufeff"]


def saturate_audit(text: str) -> Audit:
    return saturate(sample_audit(), text)  # type: ignore[arg-type, return-value]


def test_the_same_audit_is_the_same_bytes_and_the_json_is_whole() -> None:
    """Every number of the page is in the JSON, absent values are null."""
    audit = sample_audit()
    assert render(audit) == render(sample_audit())
    document = json.loads(render_audit(audit))
    assert (document["kind"], document["schema_version"]) == ("audit", 1)
    assert (
        msgspec.convert({k: v for k, v in document.items() if k in Audit.__struct_fields__}, Audit) == audit
    )
    assert "NaN" not in render_audit(audit)


def test_every_key_of_the_bar_is_its_own() -> None:
    """G and a letter lead to every page."""
    keys = [a["data-key"] for t, a in PLAIN.tags if t == "a" and a.get("data-key")]
    assert len(keys) == len(set(keys)) == 7
    assert re.search(r"g then s g a x t c o", PLAIN.words)
