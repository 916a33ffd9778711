"""Settings over the console's API."""

from __future__ import annotations

import httpx


async def test_settings_are_read_filtered_and_changed_with_a_name(browser: httpx.AsyncClient) -> None:
    found = (await browser.get("/api/settings?word=policy.caps.a_day")).json()["settings"]
    assert [(row["name"], row["value"]) for row in found] == [("policy.caps.a_day", 3)]
    wanted = {"value": 2, "note": "complaints"}
    answer = await browser.put("/api/settings/policy.caps.a_day", json=wanted)
    assert answer.status_code == 200
    assert (answer.json()["value"], answer.json()["origin"]) == (2, "changed here")
    await browser.put("/api/settings/policy.caps.a_day", json={})
    changes = (await browser.get("/api/settings/history?name=policy.caps.a_day")).json()["changes"]
    assert [one["value"] for one in changes] == [None, 2]
    assert {one["by"] for one in changes} == {"Ada Administrator"}


async def test_a_wrong_change_is_refused_with_words(browser: httpx.AsyncClient) -> None:
    for name, wanted in (
        ("policy.caps.a_day", {"value": "many"}),
        ("clinic.name", {"value": "Other"}),
        ("no.such", {"value": 1}),
        ("no.such", {}),
    ):
        answer = await browser.put(f"/api/settings/{name}", json=wanted)
        assert answer.status_code == 400
        assert name in answer.json()["detail"]
    long = {"value": 1, "note": "x" * 501}
    assert (await browser.put("/api/settings/policy.caps.a_day", json=long)).status_code == 422


async def test_nobody_sees_or_changes_settings_without_a_session(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/api/settings")).status_code == 401
    answer = await stranger.put("/api/settings/policy.caps.a_day", json={"value": 1})
    assert answer.status_code in (401, 403)
