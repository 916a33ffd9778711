"""The API described: an OpenAPI document for programs, and the same as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response

from gateway.accounts.rules import NAMES, Rule
from gateway.console.access import ROUTES
from gateway.console.once import HEADER, LONGEST, is_creating
from gateway.console.problems import MEDIA_TYPE
from gateway.console.shared import shared

router = APIRouter(prefix="/api")

_ABOUT = (
    "Everything needs a bearer token (Users, Tokens of programs) whose scopes are the rules of profiles. "
    f"Creating requests carry a header {HEADER}; for a day the same request with the same key is answered "
    "as the first time. Pages of lists name the position of the next page."
)
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}


def document(routers: Sequence[APIRouter]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routers."""
    routes = [route for one in routers for route in one.routes if isinstance(route, APIRoute)]
    found = get_openapi(
        title="Ringwell", version="1", openapi_version="3.1.0", description=_ABOUT, routes=routes
    )
    parts = found.setdefault("components", {})
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    parts.setdefault("schemas", {})["Problem"] = _PROBLEM
    creating = {
        (route.path, method)
        for route in routes
        for method in route.methods or ()
        if is_creating(route.endpoint)
    }
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            _complete(operation, ROUTES[f"{method.upper()} {_template(routes, path)}"])
            if (path, method.upper()) in creating:
                operation.setdefault("parameters", []).append(_KEY)
    return found


def _template(routes: Sequence[APIRoute], path: str) -> str:
    """The path as the table of rules has it, with the kinds of its places."""
    return next(route.path for route in routes if route.path_format == path)


_KEY = {
    "name": HEADER,
    "in": "header",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
}


def _complete(operation: dict[str, Any], need: object) -> None:
    scopes = [need.value] if isinstance(need, Rule) else []
    operation["security"] = [{"token": scopes}]
    answers = operation["responses"]
    answers.pop("422", None)
    answers["default"] = {
        "description": "What was wrong",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    """The document itself."""
    return JSONResponse(request.app.state.api)


@dataclass(frozen=True, slots=True)
class Field:
    """What a request carries."""

    name: str
    kind: str
    required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the page."""

    method: str
    path: str
    rule: str
    summary: str
    fields: tuple[Field, ...]


@router.get("", include_in_schema=False)
async def describe(request: Request) -> Response:
    """The document as a page."""
    values = {"operations": list(_operations(request.app.state.api)), "about": _ABOUT}
    return shared(request).page(request, "api.html", values)


def _operations(found: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in found["paths"].items():
        for method, one in methods.items():
            scopes = one["security"][0]["token"]
            rule = NAMES[Rule(scopes[0])] if scopes else ""
            fields = (*_parameters(one), *_body(found, one))
            told = one.get("description", "").replace("`", "")
            yield Operation(method.upper(), path, rule, told, fields)


def _parameters(operation: Mapping[str, Any]) -> Iterator[Field]:
    for one in operation.get("parameters", ()):
        yield Field(one["name"], one["in"], bool(one.get("required")))


def _body(found: Mapping[str, Any], operation: Mapping[str, Any]) -> Iterator[Field]:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    known = found["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], {})
    for name in known.get("properties", ()):
        yield Field(name, "body", name in known.get("required", ()))
