"""Every page is usable by everybody: no violation of WCAG 2.2 A and AA, and nothing wider than the screen."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest
from playwright.async_api import Browser, Page

from gateway.console.access import ROUTES
from tests.console.console_day import Day, busy_day
from tests.console.test_console_access import address_of

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RUN = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
  const found = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  return found.violations.map(v => v.id + ": " + v.nodes.map(n => n.target.join(" ")).slice(0, 4).join(", "));
}"""
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
# Seen without a session, or no pages; the part with the calls is seen on Today.
ELSEWHERE = ("/api", "/health", "/enter", "/sign-in", "/live", "/today/calls")
VIEWS = {"desk, light": (1280, 800, "light"), "telephone, dark": (390, 844, "dark")}


def _paths() -> list[str]:
    gets = [name.split(" ")[1] for name in ROUTES if name.startswith("GET ")]
    return [address_of(path) for path in gets if not path.startswith(ELSEWHERE)]


async def _complaints(page: Page, base: str, path: str) -> list[str]:
    """What is wrong with a page; nothing of what is no page."""
    answer = await page.goto(base + path)
    if answer is None or "text/html" not in answer.headers.get("content-type", ""):
        return []
    assert answer.status < 500, path
    await page.evaluate(AXE)
    found = [f"{path}: {one}" for one in await page.evaluate(RUN)]
    return [*found, f"{path}: wider than the screen"] if await page.evaluate(WIDER) else found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("view", VIEWS)
async def test_no_page_shuts_anybody_out(chromium: Browser, link: str, day: Day, view: str) -> None:
    await busy_day(day)
    width, height, scheme = VIEWS[view]
    size = {"width": width, "height": height}
    context = await chromium.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page = await context.new_page()
    base = link.split("/enter")[0]
    found = []
    for path in ("/enter", "/sign-in", link.removeprefix(base)):
        found += await _complaints(page, base, path)
    await page.click("#open")
    await page.wait_for_selector("#leave")
    for path in _paths():
        found += await _complaints(page, base, path)
    assert not found, "\n".join(found)
