"""When no further PIN is looked at, from the wrong ones so far; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from gateway.settings import StudioSettings

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


def judge(settings: StudioSettings, now: datetime) -> Callable[[Sequence[datetime]], datetime | None]:
    """`store.pins.Judge` for these settings at this moment."""

    def locked_until(wrong: Sequence[datetime]) -> datetime | None:
        hour = [at for at in wrong if now - at < _HOUR]
        day = [at for at in wrong if now - at < _DAY]
        ends = []
        if len(hour) > settings.tries_before_lock:
            ends.append(hour[-1] + timedelta(minutes=settings.lock_minutes))
        if len(hour) >= settings.tries_per_hour:
            ends.append(hour[-settings.tries_per_hour] + _HOUR)
        if len(day) >= settings.tries_per_day:
            ends.append(day[-settings.tries_per_day] + _DAY)
        return max(ends, default=None)

    return locked_until
