"""Every setting as a row: value, default, where the value comes from, and what it is for; pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from gateway.settings import Settings
from gateway.settings.changing import may_change
from gateway.settings.topics import topic_of

DEFAULT, FILE, ENVIRONMENT, CHANGED = "default", "file", "environment", "changed here"


@dataclass(frozen=True, slots=True)
class Row:
    """One setting; secrets are never among the values. `changeable`: without a restart."""

    topic: str
    name: str
    value: Any
    default: Any
    origin: str
    explanation: str
    changeable: bool


def rows(settings: Settings, changed: Collection[str] = (), word: str = "") -> list[Row]:
    """All settings that have this word, in any case, in their topic, name, explanation or value."""
    found = [_row(settings, changed, *one) for one in _walk("", settings)]
    return [row for row in found if word.casefold() in searched(row).casefold()]


def searched(row: Row) -> str:
    """What a word is looked for in."""
    return "\n".join((row.topic, topic_of(row.name).words, row.name, row.explanation, told(row.value)))


def _row(
    settings: Settings, changed: Collection[str], name: str, value: Any, default: Any, field: FieldInfo
) -> Row:
    origin = CHANGED if name in changed else settings.origin(name)
    explanation = field.description or ""
    topic = topic_of(name).title
    return Row(topic, name, _shown(value), _shown(default), origin, explanation, may_change(name))


_Found = tuple[str, Any, Any, FieldInfo]


def _walk(prefix: str, section: BaseModel, usual: BaseModel | None = None) -> Iterator[_Found]:
    """Every setting below a section with its default: what the sections above say, else its own."""
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        default = _default(field) if usual is None else getattr(usual, name)
        if isinstance(value, BaseModel):
            yield from _walk(f"{prefix}{name}.", value, default)
        elif isinstance(value, Mapping) and any(isinstance(one, BaseModel) for one in value.values()):
            for key, one in value.items():
                known = default.get(key) if isinstance(default, Mapping) else None
                yield from _walk(f"{prefix}{name}.{key}.", one, known)
        else:
            yield f"{prefix}{name}", value, default, field


def _default(field: FieldInfo) -> Any:
    return None if field.is_required() else field.get_default(call_default_factory=True)


def _shown(value: Any) -> Any:
    """As JSON has it, without secrets, and without the password of a database's address."""
    if isinstance(value, SecretStr):
        return "(set)" if value.get_secret_value() else ""
    if isinstance(value, str) and "://" in value and "@" in value:
        scheme, _, rest = value.partition("://")
        return f"{scheme}://…@{rest.rpartition('@')[2]}"
    return to_jsonable_python(value)


def typed(value: Any) -> str:
    """A value as it is typed to change a setting."""
    plain = not isinstance(value, (list, tuple)) or all(isinstance(one, str) for one in value)
    return told(value) if plain and not isinstance(value, Mapping) else json.dumps(value, ensure_ascii=False)


def told(value: Any) -> str:
    """A value for people as they would type it: words as they are, lists with commas, the rest as JSON."""
    if isinstance(value, str):
        return value[:5] if _is_time(value) else value
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {told(one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(told(one) for one in value)
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _is_time(value: str) -> bool:
    """A time of day that is told to the minute."""
    return len(value) == len("08:00:00") and value[2::3] == "::" and value.endswith(":00")
