"""The page in a real browser: what it draws, that it asks for nothing, and screenshots of it.

They are kept in `.lab/tests/artifacts`, for eyes.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from scripts.lab.paths import lab_folder
from scripts.report.model import Report
from scripts.report.page import to_html
from tests.report.samples import clean, hostile, hundred, lossy, two_days, unmeasured

pytestmark = pytest.mark.browser
PROGRAM = "chromium-headless-shell"
OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SAMPLES = {
    "clean": clean,
    "lossy": lossy,
    "hundred": hundred,
    "two-days": two_days,
    "unmeasured": unmeasured,
    "hostile": hostile,
}
# Text that is wider than its box, or that lies upon other text of the same chart.
OVERLAPS = """() => [...document.querySelectorAll('svg.chart')].flatMap(chart => {
  const frame = chart.getBoundingClientRect();
  const boxes = [...chart.querySelectorAll('text')].filter(text => text.textContent)
    .map(text => [text.textContent, text.getBoundingClientRect()]);
  const faults = boxes.filter(([, box]) => box.left < frame.left - 1 || box.right > frame.right + 1
      || box.top < frame.top - 2 || box.bottom > frame.bottom + 2).map(([text]) => `cut off: ${text}`);
  boxes.forEach(([one, a], index) => boxes.slice(index + 1).forEach(([other, b]) => {
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (wide > 2 && high > 4) faults.push(`${one} upon ${other}`);
  }));
  return faults;
})"""


@pytest.fixture(scope="module")
def artifacts() -> Path:
    folder = lab_folder() / "artifacts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    return {name: make() for name, make in SAMPLES.items()}


@pytest.fixture(scope="module")
def pages(reports: dict[str, Report], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    for name, report in reports.items():
        (folder / f"{name}.html").write_text(to_html(report))
    return {name: folder / f"{name}.html" for name in reports}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which(PROGRAM)
    assert program, f"{PROGRAM} is not installed: scripts/bootstrap.sh lab"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        yield running
        running.close()


class Watched:
    """A page that notes everything it should not do."""

    def __init__(self, browser: Browser, file: Path, *, scheme: str = "light", width: int = 1280) -> None:
        self.said: list[str] = []
        self.page: Page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})  # type: ignore[arg-type]
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))
        self.page.on("request", lambda request: None if request.url == file.as_uri() else self.said.append(request.url))
        self.page.goto(file.as_uri())

    def each(self, selector: str, wanted: str) -> list[Any]:
        """A JavaScript expression of every `element` that the selector finds."""
        script = f"wanted => [...document.querySelectorAll(wanted)].map(element => {wanted})"
        return list(self.page.evaluate(script, selector))

    def count(self, selector: str) -> int:
        return len(self.each(selector, "1"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", list(SAMPLES))
def test_it_opens_in_silence_and_is_photographed(
    browser: Browser, pages: dict[str, Path], artifacts: Path, name: str, scheme: str
) -> None:
    watched = Watched(browser, pages[name], scheme=scheme)
    watched.page.screenshot(path=artifacts / f"report-{name}-{scheme}.png", full_page=True)
    assert watched.said == []
    width = watched.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 1280
    watched.page.close()


@pytest.mark.parametrize("name", ["clean", "lossy", "hundred"])
def test_charts_have_a_mark_for_everything(
    browser: Browser, pages: dict[str, Path], reports: dict[str, Report], name: str
) -> None:
    watched, report = Watched(browser, pages[name]), reports[name]
    bars = "svg.timeline path > title"
    widths = watched.each(bars, "element.parentNode.getBoundingClientRect().width")
    assert len(widths) == sum(len(turn.steps) for turn in report.turns)
    assert sum(width > 1 for width in widths) >= 4 * len(report.turns)
    fills = watched.each(bars, "getComputedStyle(element.parentNode).fill")
    assert len(set(fills)) == 5  # six steps, the first and the last of one colour
    assert watched.count("svg.latency") == 7
    assert watched.count("svg.success") == 1
    cells = 30 if name != "hundred" else 1700
    assert watched.count("svg.matrix path > title") == cells
    assert watched.count("#turns tbody tr") == len(report.turns)
    assert (watched.count("#unplanned tbody tr") > 0) == (name != "clean")
    watched.page.close()


@pytest.mark.parametrize("name", ["clean", "lossy", "hundred", "two-days", "unmeasured"])
def test_no_text_is_cut_off_or_upon_another(browser: Browser, pages: dict[str, Path], name: str) -> None:
    watched = Watched(browser, pages[name])
    assert watched.page.evaluate(OVERLAPS) == []
    watched.page.close()


# Relative luminance and contrast, as the Web Content Accessibility Guidelines define them.
CONTRASTS = """pairs => pairs.map(([ink, ground]) => {
  const probe = document.createElement('span');
  document.body.append(probe);
  const light = name => {
    probe.style.setProperty('color', `var(--${name})`);
    const channel = value => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const [red, green, blue] = getComputedStyle(probe).color.match(/[\\d.]+/g).map(Number).map(channel);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [high, low] = [light(ink), light(ground)].sort((one, other) => other - one);
  probe.remove();
  return (high + 0.05) / (low + 0.05);
})"""
READ = [
    ("ink", "surface"), ("ink-soft", "surface"), ("ink-soft", "page"), ("ink", "phase"), ("good", "good-back"),
    ("bad", "bad-back"), ("wary", "wary-back"), ("link", "surface"), ("bad", "surface"), ("ink-soft", "stripe"),
    *((f"heat-ink-{number}", f"heat-{number}") for number in range(6)),
    *(("on-step", f"step-{name}") for name in ("cordon", "drain", "agent", "reboot", "recycle", "verify", "evict")),
]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(browser: Browser, pages: dict[str, Path], scheme: str) -> None:
    """At least 4.5 to 1 for all text, in both schemes."""
    watched = Watched(browser, pages["unmeasured"], scheme=scheme)
    contrasts = watched.page.evaluate(CONTRASTS, READ)
    assert {pair: round(found, 1) for pair, found in zip(READ, contrasts, strict=True) if found < 4.5} == {}
    watched.page.close()


def test_the_heat_scale_is_told_apart_by_lightness_alone(browser: Browser, pages: dict[str, Path]) -> None:
    for scheme in ("light", "dark"):
        watched = Watched(browser, pages["unmeasured"], scheme=scheme)
        steps = [(f"heat-{number}", f"heat-{number + 1}") for number in range(5)]
        assert all(contrast > 1.2 for contrast in watched.page.evaluate(CONTRASTS, steps))
        watched.page.close()


def test_on_a_narrow_screen_the_page_does_not_scroll_sideways(
    browser: Browser, pages: dict[str, Path], artifacts: Path
) -> None:
    watched = Watched(browser, pages["lossy"], width=420)
    watched.page.screenshot(path=artifacts / "report-lossy-narrow.png", full_page=True)
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 420
    watched.page.close()


def test_a_night_between_two_waves_takes_no_room(browser: Browser, pages: dict[str, Path]) -> None:
    watched = Watched(browser, pages["two-days"])
    assert watched.each("svg.timeline", "element.querySelectorAll('path > title').length") == [6, 12]
    assert watched.count("svg.latency") == 14
    assert "Pauses of more than 15 minutes are left out." in watched.page.inner_text("#timeline")
    watched.page.close()


def test_it_prints(browser: Browser, pages: dict[str, Path], artifacts: Path) -> None:
    watched = Watched(browser, pages["lossy"], scheme="dark")
    watched.page.emulate_media(media="print")  # of a dark screen, on white paper all the same
    assert watched.each("body", "getComputedStyle(element).backgroundColor") == ["rgb(255, 255, 255)"]
    assert watched.each("h1", "getComputedStyle(element).color") == ["rgb(22, 25, 31)"]
    printed = watched.page.pdf(path=artifacts / "report-lossy.pdf", prefer_css_page_size=True, print_background=True)
    assert printed.startswith(b"%PDF")
    watched.page.screenshot(path=artifacts / "report-lossy-print.png", full_page=True)
    assert watched.page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    watched.page.close()
