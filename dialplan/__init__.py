"""Asterisk's configuration, one small file for each feature, rendered from plain values.

Placeholders are `<< name >>`, because `${…}` and `$[…]` belong to Asterisk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.domain import RingwellError

Value = str | int | float | bool
Values = Mapping[str, Value | Sequence[Mapping[str, Value]]]


class DialplanError(RingwellError):
    """A value cannot stand in Asterisk's configuration."""


def render(values: Values) -> dict[str, str]:
    """Every configuration file by name. Raises DialplanError for a value that would change its meaning."""
    for name, value in values.items():
        for one, plain in _plain(name, value):
            _check(one, plain)
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        variable_start_string="<<",
        variable_end_string=">>",
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # these are not web pages; values are checked above
    )
    names = sorted(path.name for path in folder.glob("*.conf"))
    return {name: environment.get_template(name).render(values) for name in names}


def _plain(name: str, value: Value | Sequence[Mapping[str, Value]]) -> Iterator[tuple[str, Value]]:
    if isinstance(value, str | int | float | bool):
        yield name, value
        return
    for row in value:
        for field, plain in row.items():
            yield f"{name}: {field}", plain


def _check(name: str, value: Value) -> None:
    # A semicolon begins a comment, a line break a new setting, ${ and $[ an expression.
    text = str(value)
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise DialplanError(f"{name} holds a control character")
    if any(mark in text for mark in (";", "${", "$[")):
        raise DialplanError(f"{name} must not hold ';', '${{' or '$['")
