"""Whatever a program sends, the API answers what it wants, or what was wrong; it never breaks."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.accounts.rules import Rule
from gateway.console.api import ROUTERS
from gateway.console.api.document import document
from gateway.domain import Channel
from tests.console.console_day import Day
from tests.console.test_console_programs import PROBLEM

from tests.console.test_console_programs import program  # noqa: F401  # isort: skip

API = document(ROUTERS)
OPERATIONS = [
    (method, path, operation)
    for path, methods in API["paths"].items()
    for method, operation in methods.items()
    if path != "/api/events"  # it has no end
]
ODD = st.sampled_from(
    [
        "",
        " ",
        "1",
        "0",
        "-1",
        "9" * 40,
        "é" * 30,
        "\u202e",
        "'",
        '"',
        "%00",
        "../..",
        "<b>",
        "2026-03-10",
        "a" * 3000,
    ]
)
NAMES = st.sampled_from(["policy.caps.a_day", "policy.sms.opens", "policy.voice.days", "retry", "c1"])
WORDS = ODD | NAMES | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def values(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a schema, and now and then something else."""
    return st.integers(0, 39).flatmap(lambda dice: ANYTHING if dice == 0 else _fitting(schema))


def _fitting(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _fitting(API["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return st.one_of([_fitting(one) for one in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object" if "properties" in schema:
            needed = {name: values(one) for name, one in schema["properties"].items()}
            required = set(schema.get("required", ()))
            optional = {name: one for name, one in needed.items() if name not in required}
            return st.fixed_dictionaries(
                {name: one for name, one in needed.items() if name in required}, optional=optional
            )
        case "object":
            tables = st.sampled_from(
                ["sms", "voice", "email", "fax", "es.sms", "voice.menu", "voice.machines"]
            )
            fields = st.sampled_from(["body", "person", "machine", "subject", "answer", "1"])
            return st.dictionaries(tables, st.dictionaries(fields, WORDS, max_size=2), max_size=2)
        case "string" if schema.get("format") == "date":
            return st.dates().map(str)
        case "string" if schema.get("format") == "date-time":
            return st.datetimes().map(lambda at: f"{at.isoformat()}Z")
        case "integer":
            return st.integers(-3, 10) | st.integers()
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "string":
            return WORDS
    return ANYTHING


def _body(operation: Mapping[str, Any]) -> st.SearchStrategy[bytes]:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return st.just(b"")
    told = values(content["application/json"]["schema"]).map(lambda value: json.dumps(value).encode())
    return st.integers(0, 19).flatmap(lambda dice: st.binary(max_size=12) if dice == 0 else told)


@pytest.fixture
async def client(
    program: Callable[[Collection[Rule]], Awaitable[httpx.AsyncClient]],  # noqa: F811
    day: Day,
) -> httpx.AsyncClient:
    """A program that may do everything, where there is something to do it to."""
    await day.broadcast("Visits", Channel.SMS, 3)
    return await program(list(Rule))


@pytest.mark.parametrize(
    ("method", "path", "operation"), OPERATIONS, ids=[f"{m} {p}" for m, p, _ in OPERATIONS]
)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_nothing_that_is_sent_breaks_the_api(
    client: httpx.AsyncClient, method: str, path: str, operation: Mapping[str, Any], data: st.DataObject
) -> None:
    where, query, headers = path, {}, {"Content-Type": "application/json"}
    for one in operation.get("parameters", ()):
        if one["in"] == "path":
            number = st.integers(0, 5).map(str) | NAMES | ODD.map(lambda text: text.replace("/", "") or "1")
            where = where.replace(f"{{{one['name']}}}", data.draw(number))
        elif one["in"] == "query" and data.draw(st.booleans()):
            query[one["name"]] = data.draw(WORDS)
    content = data.draw(_body(operation))
    answer = await client.request(method, where, params=query, content=content, headers=headers)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == PROBLEM
        assert answer.json()["status"] == answer.status_code
