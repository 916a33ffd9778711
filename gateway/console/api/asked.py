"""What the address of a request may carry, for the document: handlers that read the address themselves."""

from __future__ import annotations

from typing import Any


def asks(**names: str) -> dict[str, Any]:
    """Names that may stand behind the question mark, with what they mean."""
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": False,
                "description": told,
                "schema": {"type": "string"},
            }
            for name, told in names.items()
        ]
    }
