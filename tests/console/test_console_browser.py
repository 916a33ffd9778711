"""One visit with a real browser: in by token, live counts, filters, at a desk and on a telephone."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Browser, Page, WebSocketRoute, expect

from gateway.domain import Channel, State
from tests.channels.waiting import until
from tests.console.console_day import Clock, Day, busy_day

SIZES = {"desk": (1440, 900), "telephone": (390, 844)}
# Says what the browser refused: the console's own messages do not name every violation.
WATCH = (
    "document.addEventListener('securitypolicyviolation', e => console.error('CSP ' + e.violatedDirective))"
)


async def _page(browser: Browser, size: tuple[int, int], complaints: list[str]) -> Page:
    context = await browser.new_context(viewport={"width": size[0], "height": size[1]})
    await context.add_init_script(WATCH)
    page = await context.new_page()
    page.on(
        "console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


async def _fits(page: Page) -> bool:
    fits: bool = await page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    return fits


async def _enter(page: Page, link: str) -> None:
    await page.goto(link)
    await page.click("#open")
    await expect(page.locator("h1")).to_have_text("Today")
    await expect(page.locator("#live")).to_have_text("Live")


async def test_a_visit_at_a_desk(
    chromium: Browser, link: str, day: Day, clock: Clock, tmp_path: Path
) -> None:
    made = await busy_day(day)
    complaints: list[str] = []
    page = await _page(chromium, SIZES["desk"], complaints)
    await _enter(page, link)
    await expect(page.locator("#t-reached")).to_have_text("12")
    height = await page.locator("#h2-confirmed").get_attribute("height")

    await day.settle(made["sending"][:2], State.DELIVERED, "delivered", "confirmed")
    await expect(page.locator("#t-reached")).to_have_text("14")
    await expect(page.locator("#b1-confirmed")).to_have_text("11")
    await expect(page.locator("#h2-confirmed")).not_to_have_attribute("height", height or "")

    await page.click("#figures summary")
    await page.focus("#b1-link")
    await day.broadcast("Another <one>", Channel.SMS, 3)
    await expect(page.locator("#b4-waiting")).to_have_text("3")
    await expect(page.locator("#b1-link")).to_be_focused()
    await expect(page.locator("#figures")).to_have_attribute("open", "")
    assert await _fits(page)
    await page.screenshot(path=tmp_path / "today-desk.png", full_page=True)

    await page.click("#nav-history")
    await page.select_option("#f-state", "person")
    await page.click("#f-show")
    await page.wait_for_url("**state=person**")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.goto(page.url.split("?")[0])
    number = made["sending"][2]
    await expect(page.locator("#live")).to_have_text("Live")
    await expect(page.locator(f"#m{number}-state")).to_have_text("Calling")
    await day.settle([number], State.FAILED, "failed", "no-such-number")
    await expect(page.locator(f"#m{number}-state")).to_have_text("Failed")
    await expect(page.locator("#fresh")).to_be_hidden()
    await day.broadcast("Newest", Channel.SMS, 1)
    await expect(page.locator("#fresh")).to_be_visible()
    assert await _fits(page)
    await page.screenshot(path=tmp_path / "history-desk.png", full_page=True)

    await page.click(f"#m{number}-link")
    await expect(page.locator("h1")).to_have_text(f"Message {number}")
    await expect(page.locator("main")).to_contain_text("The number does not exist")
    await expect(page.locator("#live")).to_have_text("Live")
    await page.screenshot(path=tmp_path / "message-desk.png", full_page=True)

    clock.move(minutes=16)
    await day.broadcast("While away", Channel.SMS, 1)
    await expect(page.locator("h1")).to_have_text("Sign in")
    assert complaints == []


async def test_a_visit_on_a_telephone(chromium: Browser, link: str, day: Day, tmp_path: Path) -> None:
    made = await busy_day(day)
    complaints: list[str] = []
    page = await _page(chromium, SIZES["telephone"], complaints)
    await _enter(page, link)
    paths = ["/", "/history", f"/messages/{made['confirmed'][0]}", "/history?broadcast=999", "/enter"]
    for name, path in zip(("today", "history", "message", "empty", "enter"), paths, strict=True):
        await page.goto(link.split("/enter")[0] + path)
        if path not in ("/history?broadcast=999", "/enter"):
            await expect(page.locator("#live")).to_have_text("Live")
        await page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert await _fits(page), path
        await page.screenshot(path=tmp_path / f"{name}-telephone.png", full_page=True)
    assert complaints == []


async def test_a_page_comes_back_after_its_connection_was_lost(
    chromium: Browser, link: str, day: Day
) -> None:
    made = await busy_day(day)
    complaints: list[str] = []
    page = await _page(chromium, SIZES["desk"], complaints)
    opened: list[WebSocketRoute] = []

    def between(route: WebSocketRoute) -> None:
        # The first connection is the server's own, the second finds nobody, the third works again.
        opened.append(route)
        if len(opened) != 2:
            route.connect_to_server()

    await page.route_web_socket("**/live", between)
    await _enter(page, link)
    await opened[0].close(code=1012)
    await expect(page.locator("#live")).to_have_text("Reconnecting…")
    await day.settle(made["sending"], State.DELIVERED, "delivered", "played")
    await until(lambda: len(opened) == 2)
    await opened[1].close(code=1012)
    await expect(page.locator("#live")).to_have_text("Live")
    await expect(page.locator("#t-reached")).to_have_text("15")
    assert complaints == []


async def test_a_hidden_page_lets_its_connection_go(chromium: Browser, link: str, day: Day) -> None:
    complaints: list[str] = []
    page = await _page(chromium, SIZES["desk"], complaints)
    await _enter(page, link)
    hide = "Object.defineProperty(document, 'hidden', { value: %s, configurable: true });"
    tell = "document.dispatchEvent(new Event('visibilitychange'))"
    async with page.expect_event("websocket") as again:
        await page.evaluate(hide % "true" + tell)
        await day.broadcast("Meanwhile", Channel.SMS, 2)
        await page.evaluate(hide % "false" + tell)
    await again.value
    await expect(page.locator("#b1-waiting")).to_have_text("2")
    assert complaints == []
