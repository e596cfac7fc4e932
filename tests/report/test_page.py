"""The page as text: what it may do, what it escapes, and what it leaves out."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from scripts.report.model import Report
from scripts.report.page import MOST_PAUSES, MOST_ROWS, to_html, to_json
from tests.report.samples import HOSTILE, clean, hostile, hundred, lossy, unmeasured

# Nothing on the page may cause any of these.
ACTIVE = {
    "script",
    "img",
    "iframe",
    "object",
    "embed",
    "link",
    "form",
    "input",
    "video",
    "audio",
    "base",
    "foreignobject",
}


class Read(HTMLParser):
    """Every element with its attributes, and the texts of those that are asked for."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))


@pytest.mark.parametrize("sample", [clean, hundred, hostile, unmeasured])
def test_the_page_is_passive(sample: type) -> None:
    elements = Read(to_html(sample())).elements
    assert not ACTIVE & {tag for tag, _ in elements}
    for tag, attributes in elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src", "srcset")], tag
        assert attributes.get("href", "#").startswith("#")
        assert "url(" not in " ".join(attributes.values())


def test_the_policy_allows_one_style_sheet_and_nothing_else() -> None:
    page = to_html(clean())
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style
    assert page.count("<style") == 1
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = next(attributes["content"] for _, attributes in Read(page).elements if "http-equiv" in attributes)
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_what_came_from_the_cluster_stays_text() -> None:
    page = to_html(hostile())
    assert HOSTILE not in page
    assert page.count("&lt;script&gt;alert(1)") > 8
    assert page.count("</title>") == page.count("<title>")


def test_every_colour_that_is_used_is_defined_for_light_and_dark_or_both() -> None:
    page = to_html(lossy())
    used = set(re.findall(r"var\(--([a-z0-9-]+)\)", page)) - {"tone", "tone-back"}
    defined = set(re.findall(r"--([a-z0-9-]+):", page))
    assert used <= defined
    assert "step-agent" in used


def test_unknown_things_are_left_out() -> None:
    page = to_html(unmeasured())
    for absent in ('id="connectivity"', 'id="outages"', 'id="checks"', "Longest gap", "Kubernetes</dt>", "None"):
        assert absent not in page
    assert "versions, Helm values, checks and the nodes" in page
    assert "1 of 3 nodes are on Cilium" in page


def test_a_long_table_says_that_it_is_not_all() -> None:
    report = lossy()
    assert report.measurement
    many = report.measurement.outages[:1] * (MOST_ROWS + 5)
    page = to_html(report.model_copy(update={"measurement": report.measurement.model_copy(update={"outages": many})}))
    assert f"The first {MOST_ROWS} of {MOST_ROWS + 5}" in page


def test_of_many_pauses_the_longest_are_shown() -> None:
    report = lossy()
    assert report.measurement
    usual = report.measurement.pauses[0]
    many = tuple(usual.model_copy(update={"milliseconds": float(length)}) for length in range(100, 200))
    page = to_html(report.model_copy(update={"measurement": report.measurement.model_copy(update={"pauses": many})}))
    table = page.partition('id="pauses"')[2].partition("</table>")[0]
    assert re.findall(r"(\d+) ms", table) == [str(length) for length in range(199, 199 - MOST_PAUSES, -1)]
    assert "The longest 10, and 90 more, in the JSON." in page


def test_what_the_probes_cost_is_said_where_they_told_it() -> None:
    assert "14 thousandths of a processor and 41 MiB" in to_html(lossy())
    assert 'id="cost"' not in to_html(clean())


def test_each_change_is_shown_with_its_budget_and_who_broke_it() -> None:
    page = to_html(lossy())
    rows = page.partition('id="changes"')[2].partition("</table>")[0].split("<tr>")[2:]
    assert len(rows) == 3
    assert "pod to Service, long connection: 0 lost, 5,000 ms<br>name lookups; API server: 3 lost, 10,000 ms" in rows[0]
    assert "a probe&#39;s own pause: 5,000 ms" in rows[0]
    assert [row.count("as the one before") for row in rows] == [0, 1, 1]
    assert ["21 of 1,204 failed" in row for row in rows] == [False, True, False]
    assert "1 of 3 changes lost more than that" in page
    assert "None lost more than that" in to_html(clean())


@pytest.mark.parametrize("sample", [clean, hundred, hostile, unmeasured])
def test_the_json_is_the_whole_report(sample: type) -> None:
    report = sample()
    data = json.loads(to_json(report))
    assert data.pop("headline")["sentence"]
    assert Report.model_validate(data) == report
