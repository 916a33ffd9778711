"""Template and facts become what is sent; pure. Placeholders are a fixed list, never an expression.

A template may hold `<ClientName>`-like placeholders everywhere, and `[prompt:name]` in voice texts.
"""

from gateway.wording.answers import answer
from gateway.wording.composing import compose
from gateway.wording.names import Sayings, SlotError
from gateway.wording.several import for_several, without_appointments
from gateway.wording.templates import (
    FIELDS,
    FILES,
    MENU,
    NOT_TEXTS,
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
    "FILES",
    "MENU",
    "NOT_TEXTS",
    "Sayings",
    "SlotError",
    "TemplateError",
    "answer",
    "check_front_desk",
    "check_templates",
    "compose",
    "default_templates",
    "for_several",
    "menu_of",
    "most_voicemails",
    "other_languages",
    "without_appointments",
]
