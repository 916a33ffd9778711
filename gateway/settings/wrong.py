"""What is wrong with a value of a setting, in words that say what to write instead; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import GenericAlias
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, to_jsonable_python

_LONGEST_SHOWN = 40

# By what pydantic calls it.
_WORDS: Mapping[str, str] = {
    "missing": "must be given",
    "extra_forbidden": "is not a known setting",
    "greater_than": "{value} is too small: write more than {gt:g}",
    "greater_than_equal": "{value} is too small: write {ge:g} or more",
    "less_than": "{value} is too large: write less than {lt:g}",
    "less_than_equal": "{value} is too large: write {le:g} or less",
    "string_too_short": "is too short: {min_length} characters at least",
    "string_too_long": "is too long: {max_length} characters at most",
    "secret_too_short": "is too short: {min_length} characters at least",
    "too_short": "is empty: name one at least, such as {example}",
    "literal_error": "{value} is none of {expected}",
    "enum": "{value} is none of {expected}",
    "string_pattern_mismatch": "{value} cannot be used{like}",
}
# Where another kind of value was wanted.
_KINDS: Mapping[str, str] = {
    "int": "a whole number such as {example}",
    "float": "a number such as {example}",
    "finite": "a number such as {example}",
    "bool": "true or false",
    "string": "words in quotation marks",
    "path": "the name of a file or folder",
    "tuple": "a list such as {example}",
    "list": "a list such as {example}",
    "dict": "a table of settings",
    "model": "a table of settings",
}


def told(error: ErrorDetails, model: type[BaseModel]) -> str:
    """One line about an error of validation: what is wrong, what would be right, what the setting is for."""
    if error["type"] == "value_error":
        return error["msg"].removeprefix("Value error, ")
    field = _field(error["loc"], model)
    said = _said(error, field)
    return f"{said}. {field.description}" if field and field.description else said


def place(where: Iterable[int | str]) -> str:
    """The dotted name of a setting; which value of a list it is tells nobody anything."""
    return ".".join(part for part in where if isinstance(part, str))


def _said(error: ErrorDetails, field: FieldInfo | None) -> str:
    value, context, usual = _shown(error["input"], field), error.get("ctx", {}), _usual(field)
    kind = "secret_too_short" if _is_secret(field) and error["type"] == "too_short" else error["type"]
    if words := _WORDS.get(kind):
        like = f", write it like {usual}" if usual else ""
        return words.format_map({**context, "value": value, "example": usual, "like": like})
    if wanted := _KINDS.get(error["type"].partition("_")[0]):
        return f"{value} is not {wanted.format(example=usual or 3)}"
    return error["msg"][:1].lower() + error["msg"][1:]


def _shown(value: object, field: FieldInfo | None) -> str:
    """What was written, unless it is a secret."""
    if _is_secret(field):
        return "what is written"
    if isinstance(value, (Mapping, BaseModel)):
        return "a table of settings"
    text = str(to_jsonable_python(value, fallback=str))
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")


def _is_secret(field: FieldInfo | None) -> bool:
    return field is not None and SecretStr in _kinds(field.annotation)


def _usual(field: FieldInfo | None) -> str:
    """The default as it would be written, to show the form."""
    usual = None if field is None or field.is_required() else field.get_default(call_default_factory=True)
    plain = to_jsonable_python(usual, fallback=str)
    listed = plain if isinstance(plain, list) else [plain]
    words = [f"{one:g}" if isinstance(one, float) else str(one) for one in listed if one not in (None, "")]
    return ",".join(words)


def _field(where: Iterable[int | str], model: type[BaseModel]) -> FieldInfo | None:
    """The field that an error is about; keys of tables and places in lists are no fields."""
    section: type[BaseModel] | None = model
    found, is_key = None, False
    for part in where:
        field = None if is_key or section is None else section.model_fields.get(str(part))
        is_key = field is not None and get_origin(field.annotation) is dict
        if field is not None:
            found = field
            section = next((one for one in _kinds(field.annotation) if _is_section(one)), None)
    return found


def _is_section(kind: object) -> bool:
    return isinstance(kind, type) and not isinstance(kind, GenericAlias) and issubclass(kind, BaseModel)


def _kinds(annotation: object) -> Iterator[Any]:
    """The types that an annotation names, those inside of others too."""
    yield annotation
    for inner in get_args(annotation):
        yield from _kinds(inner)
