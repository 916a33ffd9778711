"""The pages: each module has the routes of one entry of the menu."""

from gateway.console.pages import (
    audit,
    clients,
    history,
    me,
    oidc,
    profiles,
    settings,
    signing_in,
    staff_messages,
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
    history.router,
    clients.router,
    staff_messages.router,
    settings.router,
    users.router,
    profiles.router,
    audit.router,
)
