"""The pages: each module has the routes of one entry of the menu."""

from gateway.console.pages import audit, history, me, profiles, settings, signing_in, today, users

ROUTERS = (
    signing_in.router,
    me.router,
    today.router,
    history.router,
    settings.router,
    users.router,
    profiles.router,
    audit.router,
)
