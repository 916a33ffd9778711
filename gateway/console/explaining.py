"""Why and why not as data with words, for the command line, the API and a page of the console."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from gateway.console import grounds, grounds_es, words
from gateway.console.phrases import BY_LANGUAGE, Phrases
from gateway.policy.words import WORDS, told
from gateway.settings import Settings
from gateway.why import Different, Step, Story, Why
from store.history import Entry
from store.verdicts import ALLOW, DEFER, Judged


@dataclass(frozen=True, slots=True)
class Told:
    """Tells what was found in words of a language, in the zone of the clinic; addresses are masked."""

    found: Why
    settings: Settings
    language: str = "en"

    @property
    def phrases(self) -> Phrases:
        """The sentences of the language."""
        return BY_LANGUAGE[self.language]

    @property
    def zone(self) -> ZoneInfo:
        """The clinic's."""
        return ZoneInfo(self.settings.clinic.zone)

    def as_data(self) -> dict[str, Any]:
        """Everything, with codes for machines and words for people."""
        person = self.found.person
        return {
            "client": {
                "id": person.id,
                "external_id": person.external_id,
                "kind": person.kind,
                "name": person.name,
                "preferred": person.preferred,
            },
            "at": self.found.at,
            "now": [{"channel": on} | self.verdict(one) for on, one in self.found.channels.items()],
            "messages": [self._story(story) for story in self.found.stories],
        }

    def _story(self, story: Story) -> dict[str, Any]:
        entry = story.entry
        return {
            "id": entry.id,
            "broadcast": entry.broadcast,
            "channel": entry.channel,
            "address": words.mask(entry.address) if entry.address else "",
            "state": entry.state,
            "words": self._fate(entry),
            "verdicts": [self._step(step) for step in story.steps],
            "changed_since": self._changed(story.since),
            "now": self.verdict(story.now) if story.now else None,
        }

    def _step(self, step: Step) -> dict[str, Any]:
        return {
            "phase": step.phase,
            "at": step.judged.at,
            "attempt": step.attempt,
            **self.verdict(step.judged),
            "changed": self._changed(step.changed),
        }

    def verdict(self, of: Judged) -> dict[str, Any]:
        """A verdict with its words."""
        return {
            "verdict": of.kind,
            "reason": of.reason,
            "until": of.until,
            "words": self._words(of),
            "basis": of.basis,
            "rests_on": self._ground(of),
            "facts": of.facts,
        }

    def _fate(self, entry: Entry) -> str:
        """Why a message stands where it stands; what networks said is known in English alone."""
        if entry.reason and self.language != "en" and entry.reason in WORDS[self.language]:
            return told(entry.reason, self.language)
        return words.why(entry.state, entry.cause, entry.reason)

    def _ground(self, of: Judged) -> str:
        if self.language == "es":
            return grounds_es.ground_told(of.basis, self.found.lines, self.zone)
        if of.basis.startswith("stop:"):
            return grounds.stop_told(of.basis.removeprefix("stop:"), self.found.stops, self.zone)
        return grounds.ground_told(of, self.found.lines, self.settings, self.zone, self.found.changes)

    def _words(self, of: Judged) -> str:
        if of.kind == ALLOW:
            return self.phrases.may_go
        reason = words.cause(of.reason)
        if of.reason is not None and self.language != "en":
            reason = told(of.reason, self.language)
        if of.basis.startswith("stop:"):
            return self.phrases.stopped.format(reason=reason)
        if of.kind == DEFER and of.until is not None:
            clock = f"{of.until.astimezone(self.zone):%H:%M}"
            day = self.phrases.day(of.until, self.zone)
            return self.phrases.waits.format(day=day, clock=clock, reason=reason)
        return self.phrases.not_sent.format(reason=reason)

    def _changed(self, changed: Iterable[Different]) -> list[dict[str, Any]]:
        return [
            {
                "what": one.change.what,
                "was": one.change.was,
                "now": one.change.now,
                "words": self._change(one),
                "entries": list(one.entries),
                "settings": list(one.settings),
            }
            for one in changed
        ]

    def _change(self, one: Different) -> str:
        spanish = self.language == "es"
        lines = [self.found.lines[number] for number in one.entries if number in self.found.lines]
        if lines:
            line_told = grounds_es.line_told if spanish else grounds.line_told
            return "; ".join(line_told(line, self.zone) for line in lines)
        if one.change.what == "stop" and spanish:
            return grounds_es.stop_told(one.change.now)
        if one.change.what == "stop":
            return grounds.stop_told(one.change.now, self.found.stops, self.zone)
        if one.settings:
            change_told = grounds_es.change_told if spanish else grounds.change_told
            changes = [change for change in self.found.changes if change.id in one.settings]
            return "; ".join(change_told(change, self.zone) for change in reversed(changes))
        return self._other_change(one)

    def _other_change(self, one: Different) -> str:
        say = self.phrases
        what = say.what.get(one.change.what, words.readable(one.change.what).lower())
        if one.change.was is None and one.change.now is None:
            return say.changed.format(what=what)
        was, now = one.change.was or say.nothing, one.change.now or say.nothing
        return say.changed_to.format(what=what, was=was, now=now)
