"""Messaging: who gets what is seen before it is sent, templates are saved, and what is sent is planned."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from gateway.accounts.rules import Rule
from gateway.broadcast import numbered, resume
from gateway.console import audience, composing
from gateway.console.app import create_app
from gateway.console.door import Door
from gateway.console.plans import Plans
from gateway.domain import Channel, MessageType, RecipientKind, State
from gateway.policy import Rules
from gateway.settings import Settings
from store import accounts, audit, broadcasts, lists, register, stops, templates
from store.accounts import Details
from store.audit import Wanted
from store.engine import Store
from store.people import Person, Visit
from tests.channels.waiting import until_true
from tests.console.conftest import come_in
from tests.console.console_day import CLINIC, Clock, Day


async def clients_with_visits(store: Store, clock: Clock, count: int, consent: bool = True) -> None:
    """So many clients with a telephone, each with an appointment tomorrow at noon."""
    people, visits = [], []
    for n in range(count):
        key, number = f"{'v' if consent else 'w'}{n}", f"+1202555{2000 + n + 500 * consent}"
        on = {Channel.SMS: number, Channel.VOICE: number}
        name = "Vera", f"Visitor{n}"
        people.append(Person(RecipientKind.CLIENT, key, *name, "en", details=on, consent=consent or None))
        visits.append(Visit(f"a-{key}", key, None, clock() + timedelta(days=1), "Check-up", "Dr. Ito"))
    await store.run(register.save_people, CLINIC, people, clock())
    await store.run(register.save_visits, CLINIC, visits)


def fields(page: str) -> dict[str, str]:
    """What a browser would send of the form on a page."""
    found: dict[str, str] = {}
    form = page[page.index('<form id="compose"') : page.index("</form>", page.index('<form id="compose"'))]
    for tag in re.findall(r"<input [^>]*>", form):
        name = re.search(r' name="([^"]*)"', tag)
        value = re.search(r' value="([^"]*)"', tag)
        if name and (" checked" in tag or not re.search(r'type="(radio|checkbox)"', tag)):
            found[name[1]] = _plain(value[1] if value else "")
    for name, inner in re.findall(r'<select name="([^"]*)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', inner)
        found[name] = chosen[1] if chosen else ""
    for name, inner in re.findall(r'<textarea name="([^"]*)"[^>]*>(.*?)</textarea>', form, re.S):
        found[name] = _plain(inner)
    return found


def _plain(text: str) -> str:
    for mark, plain in (("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&#34;", '"'), ("&amp;", "&")):
        text = text.replace(mark, plain)
    return text


async def opened(browser: httpx.AsyncClient, **changes: str) -> dict[str, str]:
    """The form as it opens, with changes."""
    answer = await browser.get("/messaging")
    assert answer.status_code == 200
    return fields(answer.text) | changes


async def test_the_people_who_get_it_are_seen_with_the_reason_of_those_who_do_not(
    browser: httpx.AsyncClient, store: Store, clock: Clock
) -> None:
    await clients_with_visits(store, clock, 2)
    await clients_with_visits(store, clock, 1, consent=False)
    page = (await browser.get("/messaging")).text
    assert "<strong>2</strong> messages for 3 in the list" in page
    assert "1 left out: No consent on record" in page
    assert "Vera Visitor1" in page
    assert "+1 202 ••• 2501" in page
    assert "+12025552501" not in page
    noted = [line.action for line in await store.read(audit.lines, CLINIC, Wanted(), 10)]
    assert "audience-viewed" in noted


async def test_what_is_sent_is_confirmed_planned_behind_the_page_and_told(
    browser: httpx.AsyncClient, store: Store, clock: Clock, settings: Settings, door: Door
) -> None:
    await clients_with_visits(store, clock, 3)
    await clients_with_visits(store, clock, 1, consent=False)
    answer = await browser.post("/messaging/confirm", data=await opened(browser))
    assert "<strong>3</strong> messages will be sent." in answer.text
    assert "1 left out: No consent on record" in answer.text
    assert "Send Text Message" in answer.text
    carried = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.text))
    carried = {name: _plain(value) for name, value in carried.items()}
    sent = await browser.post("/messaging/send", data=carried)
    assert sent.headers["location"] == "/broadcasts/1?done=ordered"

    async def planned() -> bool:
        return (await store.read(broadcasts.find, CLINIC, 1)).state == "active"

    await until_true(planned)
    ((order, counts),) = await store.read(broadcasts.listing, CLINIC)
    assert counts == {State.SCHEDULED: 3, State.REFUSED: 1}
    assert (order.type, order.channel, order.only_preference) == (
        MessageType.UPCOMING_APPOINTMENTS,
        Channel.SMS,
        True,
    )
    # 15:30 in UTC is 11:30 at the clinic; what is proposed is the next quarter of an hour.
    assert order.send_at == clock().replace(minute=45)
    page = (await browser.get("/broadcasts/1")).text
    assert "Planned" in page
    assert "No consent on record" in page
    again = await browser.post("/messaging/send", data=carried)
    assert again.headers["location"] == "/broadcasts/1?done=ordered"
    # Nor by a console that was started anew meanwhile, or another gateway's.
    transport = httpx.ASGITransport(create_app(store, settings, door))
    async with httpx.AsyncClient(transport=transport, base_url=str(browser.base_url)) as other:
        other.headers, other.cookies = browser.headers, browser.cookies
        answer = await other.post("/messaging/send", data=carried)
    assert answer.headers["location"] == "/broadcasts/1?done=ordered"
    assert len(await store.read(broadcasts.listing, CLINIC)) == 1


async def test_what_is_typed_wrong_is_told_and_nothing_is_lost(
    browser: httpx.AsyncClient, store: Store
) -> None:
    mine = {"text.sms.body": "<Practise>: see you on <ServiceDate>. Reply STOP to opt out."}
    form = await opened(browser, at_date="2026-03-09", **mine)
    answer = await browser.post("/messaging/confirm", data=form)
    assert (answer.status_code, "The broadcast date is over" in answer.text) == (400, True)
    form["at_date"] = "2026-03-10"
    answer = await browser.post("/messaging/confirm", data=form)
    assert "is &lt;Practice&gt; meant?" in answer.text
    answer = await browser.post("/messaging", data=form | {"do": "save", "template_name": "Mine"})
    assert "is &lt;Practice&gt; meant?" in answer.text
    assert "&lt;Practise&gt;: see you on" in answer.text
    assert await store.read(templates.listing, CLINIC) == []


async def test_an_earlier_time_of_today_goes_at_once(
    browser: httpx.AsyncClient, store: Store, clock: Clock
) -> None:
    await clients_with_visits(store, clock, 1)
    form = await opened(browser, at_time="08:00")
    assert "at once" in (await browser.post("/messaging/confirm", data=form)).text
    await browser.post("/messaging/send", data=form)
    assert (await store.read(broadcasts.find, CLINIC, 1)).send_at == clock()


async def test_the_second_of_two_who_save_a_template_is_told_and_keeps_their_words(
    browser: httpx.AsyncClient, store: Store, clock: Clock
) -> None:
    first = await opened(browser, do="save", template_name="Reminder")
    first["text.sms.body"] = "<Practice>: come on <ServiceDate>. STOP ends this."
    answer = await browser.post("/messaging", data=first)
    assert "Template Reminder is saved as version 1." in answer.text
    form = fields(answer.text) | {"do": "save"}
    saved = await store.read(templates.find, CLINIC, "Reminder")
    theirs = {table: dict(texts) for table, texts in saved.texts.items()}
    theirs["sms"]["body"] = "<Practice>: hers. STOP ends this."
    args = "Reminder", MessageType.UPCOMING_APPOINTMENTS, theirs, "Eve", clock()
    assert await store.run(templates.save, CLINIC, *args) == 2
    form["text.sms.body"] = "<Practice>: mine. STOP ends this."
    answer = await browser.post("/messaging", data=form)
    assert answer.status_code == 400
    assert "Eve saved version 2" in answer.text
    assert "&lt;Practice&gt;: hers. STOP ends this." in answer.text
    assert "&lt;Practice&gt;: mine. STOP ends this." in answer.text
    assert (await store.read(templates.find, CLINIC, "Reminder")).version == 2
    del form["do"]
    answer = await browser.post("/messaging", data=form | {"over": "2"})
    assert "Template Reminder is saved as version 3." in answer.text
    assert [(await store.read(templates.find, CLINIC, "Reminder", n)).by for n in (1, 2, 3)] == [
        "Ada Administrator",
        "Eve",
        "Ada Administrator",
    ]


async def test_a_saved_template_is_opened_with_what_the_form_does_not_show(
    browser: httpx.AsyncClient, store: Store, clock: Clock
) -> None:
    await browser.post("/messaging", data=await opened(browser, do="save", template_name="Plain"))
    texts = (await store.read(templates.find, CLINIC, "Plain")).texts
    texts = {**texts, "voice.menu": {"1": "confirm", "9": "opt-out"}, "sms": {"body": "<Practice>: hi. STOP"}}
    args = "Menu", MessageType.UPCOMING_APPOINTMENTS, texts, "ada", clock()
    await store.run(templates.save, CLINIC, *args)
    form = await opened(browser, template="Menu")
    page = (await browser.post("/messaging", data=form)).text
    assert fields(page)["text.sms.body"] == "<Practice>: hi. STOP"
    await clients_with_visits(store, clock, 1)
    await browser.post("/messaging/send", data=fields(page))
    order = await store.read(broadcasts.find, CLINIC, 1)
    assert order.templates["voice.menu"] == {"1": "confirm", "9": "opt-out"}


async def test_another_type_brings_its_own_texts_unless_they_were_changed(browser: httpx.AsyncClient) -> None:
    form = await opened(browser, type="client-notice")
    page = (await browser.post("/messaging", data=form)).text
    assert "please call us" in fields(page)["text.sms.body"]
    assert 'id="put-ServiceDate"' not in page
    form["text.sms.body"] = "<Practice>: my own. STOP ends this."
    page = (await browser.post("/messaging", data=form)).text
    assert fields(page)["text.sms.body"] == "<Practice>: my own. STOP ends this."


@pytest.mark.parametrize("kind", list(MessageType))
async def test_every_message_type_opens(browser: httpx.AsyncClient, kind: MessageType) -> None:
    answer = await browser.post("/messaging", data=await opened(browser, type=kind.value))
    assert answer.status_code == 200
    assert f'value="{kind.value}" selected' in answer.text


async def test_a_list_is_chosen_and_its_columns_are_place_holders(
    browser: httpx.AsyncClient, store: Store, clock: Clock, day: Day
) -> None:
    await day.person(Channel.SMS)
    rows = [lists.Member("c1", {"Room": "7"})]
    await store.run(lists.save, CLINIC, "Flu", RecipientKind.CLIENT, ["Room"], rows, clock())
    form = fields((await browser.post("/messaging", data=await opened(browser, type="client-list"))).text)
    assert "Choose a list." in (await browser.post("/messaging/confirm", data=form)).text
    form |= {"list": "Flu", "text.sms.body": "<Practice>: room <Room>. STOP ends this."}
    page = (await browser.post("/messaging", data=form)).text
    assert "<strong>1</strong> messages for 1 in the list" in page
    assert "room Room. STOP" in page
    await browser.post("/messaging/send", data=form)
    assert (await store.read(broadcasts.find, CLINIC, 1)).custom_list == 1


async def test_the_preview_shows_the_text_with_its_segments(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/messaging")).text
    assert "Riverside Family Practice: reminder of your appointment on" in page
    assert "characters, 1 segment<" in page


async def test_an_email_is_shown_in_a_frame_that_allows_it_nothing(browser: httpx.AsyncClient) -> None:
    form = await opened(browser, channel="email")
    form["text.email.body"] = "<Practice>\n\n<script>alert(1)</script>"
    page = (await browser.post("/messaging", data=form)).text
    assert "is not one of" in page
    page = (await browser.post("/messaging", data=form | {"text.email.body": "Dear <ClientName> & all"})).text
    source = re.search(r'<iframe class="letter" sandbox="" title="[^"]*" src="([^"]+)"', page)
    assert source
    letter = await browser.get(source[1])
    assert "Dear Maria Gonzalez &amp; all" in letter.text
    policy = letter.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "frame-ancestors 'self'" in policy
    assert (await browser.get("/messaging/letter/" + "0" * 32 + ".html")).status_code == 404
    assert (await browser.get("/messaging/letter/..%2f..%2fetc%2fpasswd")).status_code == 404


async def test_fax_pages_are_shown_as_they_will_be_sent(browser: httpx.AsyncClient) -> None:
    form = await opened(browser, channel="fax", listen="fax")
    page = (await browser.post("/messaging", data=form)).text
    sources = re.findall(r'<img src="(/messaging/fax/[^"]+)"', page)
    assert len(sources) == 2
    for source in sources:
        picture = await browser.get(source)
        assert picture.headers["content-type"] == "image/png"
        assert picture.content.startswith(b"\x89PNG")
    assert (await browser.get(sources[0][:-1] + "3")).status_code == 404


async def test_a_call_is_shown_in_words_before_it_is_rendered(browser: httpx.AsyncClient) -> None:
    page = (await browser.post("/messaging", data=await opened(browser, channel="voice"))).text
    assert "A person hears" in page
    assert "This is Riverside Family Practice." in page
    assert "<audio" not in page


async def test_who_may_only_look_sees_what_is_planned_and_changes_nothing(
    stranger: httpx.AsyncClient, door: Door, store: Store, clock: Clock, day: Day, administrator: int
) -> None:
    await day.broadcast("Flu clinic", Channel.SMS, 2)
    profile = await store.run(accounts.add_profile, CLINIC, "Looks", [Rule.MESSAGING_VIEW])
    user = await store.run(accounts.add, CLINIC, Details("len", "Len", profile), clock())
    client = await come_in(stranger, door, user)
    assert (await client.get("/messaging")).headers["location"] == "/broadcasts"
    page = (await client.get("/broadcasts")).text
    assert "Flu clinic" in page
    assert "New message" not in page
    assert "cancel-now" not in (await client.get("/broadcasts/1")).text
    assert (await client.post("/broadcasts/1/cancel")).status_code == 403
    assert (await client.post("/stop", data={"reason": "x"})).status_code == 403


async def test_a_planned_broadcast_is_cancelled_with_what_waits(
    browser: httpx.AsyncClient, store: Store, day: Day
) -> None:
    await day.broadcast("Flu clinic", Channel.SMS, 2)
    assert "2 messages that wait are not sent any more" in (await browser.get("/broadcasts/1")).text
    answer = await browser.post("/broadcasts/1/cancel")
    page = (await browser.get(answer.headers["location"])).text
    assert "Cancelled: what had not left stays here." in page
    ((_, counts),) = await store.read(broadcasts.listing, CLINIC)
    assert counts == {State.CANCELLED: 2}
    assert "Nothing is planned" in (await browser.get("/broadcasts")).text
    assert (await browser.post("/broadcasts/9/cancel")).status_code == 404


async def test_everything_or_one_channel_is_stopped_with_a_reason_and_goes_on(
    browser: httpx.AsyncClient, store: Store
) -> None:
    answer = await browser.post("/stop", data={"reason": " "})
    assert "Say why" in (await browser.get(answer.headers["location"])).text
    assert await store.read(stops.current, CLINIC) == []
    answer = await browser.post("/stop", data={"reason": "wrong <list>", "channel": "sms", "hang_up": "1"})
    page = (await browser.get(answer.headers["location"])).text
    assert "wrong &lt;list&gt;" in page
    (stop,) = await store.read(stops.current, CLINIC)
    assert (stop.channel, stop.by, stop.hang_up) == (Channel.SMS, "Ada Administrator", True)
    assert "Sending by Text is stopped by Ada Administrator" in (await browser.get("/messaging")).text
    await browser.post("/resume", data={"channel": "voice"})
    assert len(await store.read(stops.current, CLINIC)) == 1
    await browser.post("/resume", data={"channel": "sms"})
    assert await store.read(stops.current, CLINIC) == []
    assert (await browser.post("/stop", data={"reason": "x", "channel": "pigeon"})).status_code == 400
    noted = [line.action for line in await store.read(audit.lines, CLINIC, Wanted(), 10)]
    assert noted.count("sending-stopped") == 1
    assert noted.count("sending-resumed") == 2


async def test_people_are_counted_for_a_limited_time(store: Store, clock: Clock) -> None:
    await clients_with_visits(store, clock, 1100)
    settings = Settings(clinic={"zone": "America/New_York"})
    form = composing.fresh(settings, clock())
    form = composing.shown(form, composing.base_texts(settings, form.type, None, False), None)
    wanted = composing.wanted(settings, form, clock())
    ticks = iter(range(0, 1000, 10))
    found = await audience.look(store, CLINIC, wanted, Rules.of(settings), 5.0, lambda: float(next(ticks)))
    assert (found.size, found.counted, found.whole) == (1100, 1000, False)
    assert len(found.getting) == audience.SHOWN
    found = await audience.look(store, CLINIC, wanted, Rules.of(settings), 5.0, lambda: 0.0)
    assert (found.counted, found.sent, found.whole) == (1100, 1100, True)


async def test_a_plan_that_is_cut_off_is_left_to_the_gateway(store: Store, clock: Clock, day: Day) -> None:
    settings = Settings(clinic={"zone": "America/New_York"})
    await clients_with_visits(store, clock, 2)
    form = composing.fresh(settings, clock())
    form = composing.shown(form, composing.base_texts(settings, form.type, None, False), None)
    wanted = composing.wanted(settings, form, clock())
    number = await store.run(broadcasts.order, CLINIC, wanted, clock())
    plans = Plans(store, CLINIC)
    plans.start(numbered(wanted, number), Rules.of(settings), 2)
    await plans.close()
    assert (await store.read(broadcasts.find, CLINIC, number)).state == "planning"
    clock.move(minutes=2)
    assert await resume(store, CLINIC, Rules.of(settings), timedelta(minutes=1)) == 1
    assert (await store.read(broadcasts.find, CLINIC, number)).state == "active"
