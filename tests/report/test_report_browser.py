"""The HTML report in a real browser, from a file: it opens, routes, and lets nothing in or out."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from msgspec.structs import replace
from sample import sample
from sample_audit import sample_audit
from sample_candidates import raced
from sample_candidates import sample as candidates
from sample_cases import HOSTILE
from saturate import saturate

from harness.report import audit
from harness.report.candidates import render as render_candidates
from harness.report.html import render
from harness.report.packet import render_html as render_packet
from harness.report.visible import visible
from harness.types import Packet, PacketItem

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine: the page is not opened"),
]


class Opened(NamedTuple):
    """The document after its scripts ran, what the console said, and every address that was asked for."""

    dom: str
    console: list[str]
    addresses: set[str]


Open = Callable[[str, str], Opened]


@pytest.fixture
def browse(tmp_path: Path) -> Open:
    """Give a function that writes a page, opens it at a hash and waits for its scripts."""

    def browse(page: str, route: str) -> Opened:
        file, log = tmp_path / "report.html", tmp_path / "net.json"
        file.write_text(page, encoding="utf-8")
        ended = subprocess.run(
            [
                str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu",
                "--disable-background-networking", "--enable-logging=stderr",
                f"--user-data-dir={tmp_path / 'profile'}", f"--log-net-log={log}",
                "--virtual-time-budget=5000", "--dump-dom", f"{file.as_uri()}{route}",
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )  # fmt: skip
        console = [line for line in ended.stderr.splitlines() if ":CONSOLE" in line]
        asked = set(re.findall(r'"url":"([^"]+)"', log.read_text(encoding="utf-8", errors="replace")))
        return Opened(ended.stdout, console, asked)

    return browse


def _visible_pages(dom: str) -> list[str]:
    sections = re.findall(r"<section ([^>]*)>", dom)
    return [re.sub(r'.*data-page="(\w+)".*', r"\1", found) for found in sections if "hidden" not in found]


def test_the_verdict_opens_without_a_word_on_the_console(browse: Open) -> None:
    """One page shows, nothing is logged, and nothing but the file is asked for."""
    opened = browse(render(sample()), "")
    assert _visible_pages(opened.dom) == ["verdict"]
    assert opened.console == []
    assert not [address for address in opened.addresses if "evil.test" in address]


def test_a_case_opens_by_its_address(browse: Open) -> None:
    """The hash alone leads to the case: answers with marked differences, gold passage, claims, command."""
    opened = browse(render(sample()), "#/case/refund-017")
    assert _visible_pages(opened.dom) == ["case"]
    assert "<del>Nein</del>" in opened.dom
    assert "<ins>Ja</ins>" in opened.dom
    assert "no longer retrieved (was at 1)" in opened.dom
    assert "✕ " in opened.dom
    assert "--case refund-017 --candidate pr-412" in opened.dom
    for role in ("baseline", "candidate"):  # several metrics may tell of claims
        assert re.search(rf"<caption[^>]*>{role}, by <span[^>]*>faithfulness</span>", opened.dom)
    assert opened.console == []


def test_the_list_follows_the_filters_in_the_address(browse: Open) -> None:
    """Search and filter come from the hash, so that a link shows the same list."""
    opened = browse(render(sample()), "#/cases?q=refund&show=worse")
    assert _visible_pages(opened.dom) == ["cases"]
    assert re.findall(r'href="#/case/([\w-]+)"[^>]*data-at', opened.dom) == ["refund-017"]
    assert "1 of 12 cases" in opened.dom


@pytest.mark.parametrize(
    ("not_shown", "title", "words"),
    [(0, "No such case", "This report has no case"), (9988, "Not in this report", "harness show ")],
)
def test_a_case_that_is_not_there_is_told(browse: Open, not_shown: int, title: str, words: str) -> None:
    """Of a large run it may only be left out: the page says so, and how to see it."""
    report = replace(sample(), not_shown=not_shown)
    opened = browse(render(report), "#/case/refund%20999")
    assert _visible_pages(opened.dom) == ["case"]
    assert f">{title}</h1>" in opened.dom
    assert words in opened.dom
    assert '<code dir="auto">refund 999</code>' in opened.dom
    said = f"harness show {report.run.id} 'refund 999'" in opened.dom, "leaves out 9,988" in opened.dom
    assert said == (bool(not_shown),) * 2
    assert opened.console == []


HOSTILE_CASE = quote(visible(f"hostile-001{HOSTILE}", one_line=True), safe="")


@pytest.mark.parametrize("route", ["", "#/cases", f"#/case/{HOSTILE_CASE}"])
def test_f18_hostile_text_stays_text_in_the_browser(browse: Open, route: str) -> None:
    """With payloads in every field: no new element, no new title, no error, no request."""
    page = render(saturate(sample(), HOSTILE))
    opened = browse(page, route)
    assert not re.search(r"<(img|iframe|svg/onload|textarea|b style)[\s>=]", opened.dom)
    assert "&lt;img src=x onerror=alert(1)&gt;" in opened.dom
    assert opened.dom.count("<script") == page.count("<script")
    assert "<title>FAILED · support-assistant" in opened.dom
    assert opened.console == []
    assert not [address for address in opened.addresses if "evil.test" in address]
    assert _visible_pages(opened.dom) == [route.partition("/")[2].partition("/")[0] or "verdict"]


def test_f18_the_policy_holds_even_where_markup_gets_in(browse: Open) -> None:
    """A handler, a script and an image that somebody adds to the file do not run and load nothing."""
    image = "<img src='http://evil.test/x.png' onerror='document.title=1'>"
    evil = f"{image}<script>document.title='owned'</script>"
    opened = browse(render(sample()).replace("<main ", f"{evil}<main ", 1), "")
    assert "<title>FAILED" in opened.dom
    assert not [address for address in opened.addresses if "evil.test" in address]
    assert [line for line in opened.console if "Content Security Policy" in line]


@pytest.mark.parametrize("name", ["", "#/pairs", "#/gains", "#/race", "#/runs"])
def test_the_candidates_page_opens_without_a_word_on_the_console(browse: Open, name: str) -> None:
    """Each page by its address; hostile names stay text."""
    opened = browse(render_candidates(candidates(raced())), name)
    assert _visible_pages(opened.dom) == [name.removeprefix("#/") or "candidates"]
    assert opened.console == []
    assert "<img" not in opened.dom


@pytest.mark.parametrize("route", ["", "#/groups", "#/crossed", "#/signoff"])
def test_a_document_without_cases_opens_in_the_same_frame(browse: Open, route: str) -> None:
    """The audit has no case data: its pages route, nothing is logged and nothing is asked for."""
    opened = browse(audit.render(sample_audit()), route)
    assert _visible_pages(opened.dom) == [route.partition("/")[2] or "statement"]
    assert opened.console == []
    assert not [address for address in opened.addresses if "evil.test" in address]


def test_a_packet_opens_counts_and_asks_nobody(browse: Open) -> None:
    """The page of a packet runs its script under its policy, and shows hostile answers as text."""
    items = tuple(PacketItem(f"item{i}", (), text, text, (text,)) for i, text in enumerate(HOSTILE))
    opened = browse(render_packet(Packet("abc", "quality", "Is it good?", (0.0, 1.0), items)), "")
    assert opened.console == []
    assert f"0 of {len(HOSTILE)} labelled" in opened.dom
    assert not [address for address in opened.addresses if "evil.test" in address]
    assert opened.dom.count("<script") == 1
