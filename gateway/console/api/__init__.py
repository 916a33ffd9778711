"""The same as data, for pages and for programs, by the same rules."""

from gateway.console.api import (
    broadcasts,
    clients,
    conversations,
    document,
    events,
    faxes,
    messages,
    settings,
)

ROUTERS = (
    document.router,
    messages.router,
    clients.router,
    broadcasts.router,
    conversations.router,
    faxes.router,
    settings.router,
    events.router,
)
