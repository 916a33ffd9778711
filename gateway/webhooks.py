"""Other programs are told of each change of a message's state: signed, in order, again until they take it.

In the form of Standard Webhooks (standardwebhooks.com): `webhook-id`, `webhook-timestamp` and
`webhook-signature: v1,` with the HMAC-SHA256 of "id.timestamp.body". A body holds up to `MOST` changes, each
with an id of its own: whoever has seen an id ignores it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

import httpx

from gateway.link import StoreLink
from gateway.settings import Webhook, signing_key
from store import changes
from store.changes import Change

log = logging.getLogger(__name__)

MOST = 100
LOOK_SECONDS = 1.0
ANSWER_SECONDS = 15.0
# A gateway that died lets go of its webhooks after this.
LEASE = timedelta(minutes=1)
# After the first failure, the second and so on.
AGAIN = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600))


@dataclass(frozen=True, slots=True)
class Letter:
    """One request: its headers and its body."""

    headers: Mapping[str, str]
    body: bytes


def as_data(change: Change, *, personal: bool) -> dict[str, object]:
    """What others are told of a change."""
    told: dict[str, object] = {
        "id": str(change.position),
        "at": change.at.isoformat(),
    }
    if change.appointment:
        told |= {"appointment": change.appointment, "event": change.kind}
        return told | ({"recipient": change.recipient, "visit": change.visit} if personal else {})
    told |= {
        "message": change.message,
        "broadcast": change.broadcast,
        "channel": change.channel,
        "state": change.state,
        "cause": change.cause,
        "attempt": change.attempt,
    }
    return told | ({"address": change.address, "recipient": change.recipient} if personal else {})


def letter(found: Sequence[Change], secret: str, now: datetime, *, personal: bool) -> Letter:
    """A signed request with these changes of one kind, of which there is one at least; pure."""
    told = {"type": found[0].kind, "changes": [as_data(change, personal=personal) for change in found]}
    body = json.dumps(told, separators=(",", ":")).encode()
    # The same for the same changes, however often they are sent.
    id = f"{found[0].position}:{found[-1].position}"
    moment = str(int(now.timestamp()))
    headers = {
        "content-type": "application/json",
        "user-agent": "Ringwell",
        "webhook-id": id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{signature(secret, id, moment, body)}",
    }
    return Letter(headers, body)


def signature(secret: str, id: str, moment: str, body: bytes) -> str:
    """What the receiver computes as well."""
    signed = f"{id}.{moment}.".encode() + body
    return base64.b64encode(hmac.digest(signing_key(secret), signed, hashlib.sha256)).decode()


class Teller:
    """Tells one webhook until cancelled; of several gateways one does at a time."""

    def __init__(self, name: str, webhook: Webhook, link: StoreLink, clinic: int, owner: str) -> None:
        self._name, self._webhook, self._link = name, webhook, link
        self._clinic, self._owner = clinic, owner
        self._states = frozenset(state.value for state in webhook.states)

    async def run(self) -> None:
        """Begin with what happens from now on, or where an earlier life ended."""
        await self._link.insist(changes.register, self._clinic, self._name)
        # No redirects: what is told goes where the settings say, and nowhere else.
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, follow_redirects=False) as client:
            while True:
                if not await self._tell_some(client):
                    await asyncio.sleep(LOOK_SECONDS)

    async def _tell_some(self, client: httpx.AsyncClient) -> bool:
        """Tell what is next; False: there is nothing, or it was not taken."""
        now = self._link.store.clock()
        args = (self._clinic, self._name, self._owner)
        due = await self._link.insist(changes.claim, *args, now, now + LEASE)
        if due is None:
            return False
        after, failures = due
        found = await self._link.patiently(
            lambda: self._link.store.read(
                changes.since, self._clinic, after, MOST, personal=self._webhook.personal
            )
        )
        if not found:
            return False
        # A request has one kind of change: the next kind is told with the next one.
        asked = [change for change in found if self._asks_for(change)]
        wanted = list(takewhile(lambda change: change.kind == asked[0].kind, asked))
        last = found[-1] if len(wanted) == len(asked) else wanted[-1]
        if wanted and (trouble := await self._send(client, wanted, now)):
            self._say(trouble, failures)
            again = now + AGAIN[min(failures, len(AGAIN) - 1)]
            await self._link.insist(changes.refused, *args, trouble, again)
            return False
        if failures:
            log.warning("webhook %s takes what it is told again", self._name)
        await self._link.insist(changes.delivered, *args, last.position)
        return True

    def _asks_for(self, change: Change) -> bool:
        if change.appointment:
            return self._webhook.appointments
        return not self._states or change.state in self._states

    async def _send(self, client: httpx.AsyncClient, wanted: Sequence[Change], now: datetime) -> str:
        """What went wrong; empty: it was taken."""
        secret = self._webhook.secret.get_secret_value()
        try:
            sent = letter(wanted, secret, now, personal=self._webhook.personal)
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await client.post(self._webhook.url, content=sent.body, headers=dict(sent.headers))
        except TimeoutError:
            return f"no answer within {ANSWER_SECONDS:.0f} s"
        except httpx.HTTPError as error:
            return f"cannot be reached ({type(error).__name__})"
        except Exception as error:
            # A fault of ours must not end the gateway: what waits is told once it is mended.
            return f"cannot be told ({type(error).__name__})"
        return "" if answer.is_success else f"answers {answer.status_code}"

    def _say(self, trouble: str, failures: int) -> None:
        if not failures:
            log.error("webhook %s %s: it is told again later, in order", self._name, trouble)
