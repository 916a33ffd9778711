"""The pages: each module has the routes of one entry of the menu."""

from gateway.console.pages import (
    audit,
    broadcasts,
    clients,
    history,
    me,
    messaging,
    oidc,
    profiles,
    settings,
    signing_in,
    staff_messages,
    stopping,
    today,
    users,
    waiting,
)

ROUTERS = (
    signing_in.router,
    oidc.router,
    me.router,
    waiting.router,
    today.router,
    stopping.router,
    messaging.router,
    broadcasts.router,
    history.router,
    clients.router,
    staff_messages.router,
    settings.router,
    users.router,
    profiles.router,
    audit.router,
)
