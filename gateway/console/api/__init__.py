"""The same as data, behind the same session and the same rules."""

from gateway.console.api import conversations, events, faxes, messages, settings

ROUTERS = (messages.router, conversations.router, faxes.router, settings.router, events.router)
