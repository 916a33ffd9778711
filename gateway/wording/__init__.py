"""Template and facts become what is sent; pure. Placeholders are a fixed list, never an expression.

A template may hold `<ClientName>`-like placeholders everywhere, and `[prompt:name]` in voice texts.
"""

from gateway.wording.composing import compose
from gateway.wording.names import Sayings, SlotError
from gateway.wording.templates import (
    FIELDS,
    MENU,
    NOT_TEXTS,
    PLACEHOLDERS,
    TemplateError,
    check_front_desk,
    check_templates,
    menu_of,
    most_voicemails,
    other_languages,
)
from gateway.wording.texts import default_templates

__all__ = [
    "FIELDS",
    "MENU",
    "NOT_TEXTS",
    "PLACEHOLDERS",
    "Sayings",
    "SlotError",
    "TemplateError",
    "check_front_desk",
    "check_templates",
    "compose",
    "default_templates",
    "menu_of",
    "most_voicemails",
    "other_languages",
]
