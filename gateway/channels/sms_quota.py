"""What carriers let a campaign send in a minute, and its brand in a day; counted in segments (rules 1.15).

The day's segments are taken from the store in blocks, before they are sent: whoever is killed may waste part
of a block, and nobody ever sends more than the limit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.channels.sms_pace import Bucket
from gateway.settings import Campaign

log = logging.getLogger(__name__)

# reserve(brand, day, most, wanted): how many of the wanted segments the day still has, taken for us. With a
# negative `wanted` they are given back.
Reserve = Callable[[str, date, int, int], Awaitable[int]]
BLOCKS_OF_A_DAY = 20
LARGEST_BLOCK = 200


class BrandDay:
    """The segments that a brand may still send today, as far as this process has taken them."""

    def __init__(
        self,
        brand: str,
        most: int,
        zone: ZoneInfo,
        reserve: Reserve,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._brand, self._most, self._zone = brand, most, zone
        self._reserve, self._clock = reserve, clock
        self._block = max(1, min(LARGEST_BLOCK, most // BLOCKS_OF_A_DAY))
        self._day: date | None = None
        self._left = 0
        self._spent: date | None = None

    @property
    def spent(self) -> bool:
        """Whether the day has no more."""
        return self._spent == self._today()

    def room(self) -> int:
        """Segments at hand."""
        return self._left if self._day == self._today() else 0

    def take(self, segments: int) -> bool:
        """Take so many; False: they are not there."""
        if self.room() < segments:
            return False
        self._left -= segments
        return True

    async def refill(self, least: int = 1) -> None:
        """Have at least so many at hand, or know that the day is spent. Raises what `reserve` does."""
        today = self._today()
        if self.spent or self.room() >= least:
            return
        if self._day != today:
            self._day, self._left = today, 0
        wanted = max(self._block, least - self._left)
        granted = await self._reserve(self._brand, today, self._most, wanted)
        if self._day == today:
            self._left += granted
        if granted < wanted:
            self._say_spent(today)

    def _say_spent(self, today: date) -> None:
        if not self._left:
            self._spent = today
            log.warning("brand %s: the day's %d segments are sent; texts wait", self._brand, self._most)

    async def give_back(self) -> None:
        """What was taken from the store and not sent."""
        left, self._left = self.room(), 0
        if left and self._day is not None:
            await self._reserve(self._brand, self._day, self._most, -left)

    def seconds_left(self) -> float:
        """Until the next day begins."""
        now = self._clock()
        tomorrow = datetime.combine(self._today() + timedelta(days=1), time(), self._zone)
        return (tomorrow.astimezone(UTC) - now).total_seconds()

    def _today(self) -> date:
        return self._clock().astimezone(self._zone).date()


class Quota:
    """The limits of one campaign; binds of the same campaign share it."""

    def __init__(self, per_minute: Bucket | None = None, day: BrandDay | None = None) -> None:
        self._per_minute = per_minute
        self._day = day

    @property
    def spent(self) -> bool:
        """Whether nothing more may leave today."""
        return self._day is not None and self._day.spent

    async def refill(self) -> None:
        """Have segments of the day at hand."""
        if self._day is not None:
            await self._day.refill()

    def room(self, most: int) -> int:
        """How many of `most` texts may start now."""
        room = most if self._per_minute is None else min(most, self._per_minute.available())
        return max(0, room if self._day is None else min(room, self._day.room()))

    def delay(self) -> float:
        """Seconds until `room` grows by itself."""
        if self._day is not None and self._day.spent:
            return max(1.0, self._day.seconds_left())
        return self._per_minute.delay() if self._per_minute else 0.0

    async def take(self, segments: int) -> bool:
        """Take the segments of a text, waiting for its turn; False: the day has not so many left."""
        if self._day is not None:
            await self._day.refill(segments)
            if not self._day.take(segments):
                return False
        if self._per_minute is not None:
            await asyncio.sleep(max(self._per_minute.take() for _ in range(segments)))
        return True


def quotas(
    campaigns: Mapping[str, Campaign], zone: str, reserve: Reserve
) -> tuple[dict[str, Quota], list[BrandDay]]:
    """The limits by name of the campaign, and the brands' days behind them. `zone`: the clinic's."""
    days: dict[str, BrandDay] = {}
    found = {}
    clock = asyncio.get_running_loop().time
    for name, campaign in campaigns.items():
        day = None
        if campaign.per_day:
            brand = campaign.brand or name
            fresh = BrandDay(brand, campaign.per_day, ZoneInfo(campaign.zone or zone), reserve)
            day = days.setdefault(brand, fresh)
        found[name] = Quota(Bucket(campaign.per_minute / 60, clock) if campaign.per_minute else None, day)
    return found, list(days.values())
