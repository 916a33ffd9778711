"""Messaging with a real browser: place holders at the cursor, what follows while typing, what is kept."""

from __future__ import annotations

from playwright.async_api import Browser, Page, expect

from store import broadcasts, templates
from store.engine import Store
from tests.channels.waiting import until_true
from tests.console.console_day import CLINIC, Clock
from tests.console.test_console_messaging import clients_with_visits

WATCH = (
    "document.addEventListener('securitypolicyviolation', e => console.error('CSP ' + e.violatedDirective))"
)


async def _messaging(chromium: Browser, link: str, complaints: list[str], width: int = 1280) -> Page:
    context = await chromium.new_context(viewport={"width": width, "height": 800})
    await context.add_init_script(WATCH)
    page = await context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(link)
    await page.click("#open")
    await page.wait_for_selector("#leave")
    await page.goto(link.split("/enter")[0] + "/messaging")
    return page


async def test_reminders_are_sent_with_two_presses_of_a_button(
    chromium: Browser, link: str, store: Store, clock: Clock
) -> None:
    await clients_with_visits(store, clock, 3)
    complaints: list[str] = []
    page = await _messaging(chromium, link, complaints)
    await expect(page.locator("#who")).to_contain_text("3 messages for 3 in the list")
    await page.click("#send")
    await page.click("#send-now")
    await expect(page.locator("#progress")).to_contain_text("Planned")
    assert (await store.read(broadcasts.find, CLINIC, 1)).state == "active"  # type: ignore[union-attr]
    assert complaints == []


async def test_a_place_holder_goes_where_the_cursor_is_by_click_and_by_keyboard(
    chromium: Browser, link: str
) -> None:
    complaints: list[str] = []
    page = await _messaging(chromium, link, complaints)
    text = page.locator("#t-sms-body")
    await text.fill("<Practice>: dear , come. STOP ends this.")
    await text.evaluate("box => box.setSelectionRange(17, 17)")
    await page.click("#put-FirstName")
    await expect(text).to_have_value("<Practice>: dear <FirstName>, come. STOP ends this.")
    await expect(text).to_be_focused()
    await page.focus("#put-Clinician")
    await page.keyboard.press("Enter")
    await expect(text).to_have_value("<Practice>: dear <FirstName><Clinician>, come. STOP ends this.")
    await expect(page.locator(".bubble")).to_have_text(
        "Riverside Family Practice: dear MariaDr. Ito, come. STOP ends this."
    )
    await page.click("#channel-email")
    await expect(page.locator("#send")).to_have_text("Send Email Message")
    await expect(page.locator("#t-email-body")).to_be_visible()
    frame = page.frame_locator("iframe.letter")
    await expect(frame.locator("body")).to_contain_text("Dear Maria Gonzalez")
    await expect(page.locator("#t-sms-body")).to_be_hidden()
    assert complaints == []


async def test_what_was_typed_is_there_again_after_a_reload_and_gone_once_sent(
    chromium: Browser, link: str, store: Store, clock: Clock
) -> None:
    await clients_with_visits(store, clock, 1)
    complaints: list[str] = []
    page = await _messaging(chromium, link, complaints)
    await page.fill("#t-sms-body", "<Practice>: mine. STOP ends this.")
    await page.fill("#at_time", "16:30")
    await page.reload()
    await expect(page.locator("#t-sms-body")).to_have_value("<Practice>: mine. STOP ends this.")
    await expect(page.locator("#at_time")).to_have_value("16:30")
    await page.click("#send")
    await page.click("#send-now")
    await expect(page.locator("#progress")).to_contain_text("Planned")
    order = await store.read(broadcasts.find, CLINIC, 1)
    assert order is not None
    assert order.templates["sms"]["body"] == "<Practice>: mine. STOP ends this."
    await page.goto(page.url.split("/broadcasts")[0] + "/messaging")
    await page.reload()
    await expect(page.locator(".bubble")).to_contain_text("reminder of your appointment")
    assert complaints == []


async def test_two_users_edit_a_template_and_nothing_is_lost(
    chromium: Browser, link: str, store: Store
) -> None:
    complaints: list[str] = []
    page = await _messaging(chromium, link, complaints)
    await page.fill("#template_name", "Reminder")
    await page.click("#save")
    await expect(page.locator("#told")).to_contain_text("saved as version 1")
    other = await page.context.new_page()
    await other.goto(page.url)
    await other.select_option("#template", "Reminder")
    await expect(other.locator("[name=version]")).to_have_value("1")
    await other.fill("#t-sms-body", "<Practice>: theirs. STOP ends this.")
    await other.click("#save")
    await expect(other.locator("#told")).to_contain_text("saved as version 2")
    await page.fill("#t-sms-body", "<Practice>: mine. STOP ends this.")
    await page.click("#save")
    await expect(page.locator("#told")).to_contain_text("saved version 2")
    await expect(page.locator("#t-sms-body")).to_have_value("<Practice>: mine. STOP ends this.")
    await page.click("#over")
    await expect(page.locator("#told")).to_contain_text("saved as version 3")

    async def kept() -> bool:
        found = await store.read(templates.find, CLINIC, "Reminder")
        return found is not None and found.texts["sms"]["body"] == "<Practice>: mine. STOP ends this."

    await until_true(kept)
    # What the first refusal answers is told by the browser itself.
    assert [one for one in complaints if "400" not in one] == []


async def test_a_page_on_a_telephone_is_not_wider_than_its_screen(
    chromium: Browser, link: str, store: Store, clock: Clock
) -> None:
    await clients_with_visits(store, clock, 2)
    complaints: list[str] = []
    page = await _messaging(chromium, link, complaints, 390)
    base = page.url.split("/messaging")[0]
    for path in ("/messaging", "/broadcasts", "/rules", "/rules/new"):
        await page.goto(base + path)
        await page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not await page.evaluate(wide), path
    assert complaints == []
