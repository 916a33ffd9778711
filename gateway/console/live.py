"""The one WebSocket of a page: what the hub tells goes out, signs of life of the user come in."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from gateway.console.cookies import session_cookie
from gateway.console.hub import Watcher
from gateway.console.shared import Console, shared
from store.engine import StoreAwayError
from store.sessions import Session

router = APIRouter()

SIGN_IN_AGAIN, GOING_AWAY, TOO_SLOW = 1008, 1001, 1013
# How soon an open page notices that its session is over, and how long one text may take to leave.
_CHECK_SECONDS = 5.0
_SEND_SECONDS = 10.0


@router.websocket("/live")
async def watch(socket: WebSocket) -> None:
    """Tell this page what changes until it goes, its session ends or the hub lets go."""
    console = shared(socket)
    session: Session = socket.state.session
    await socket.accept()
    watcher = console.hub.join()
    speaking = asyncio.create_task(_speak(socket, watcher, console))
    hearing = asyncio.create_task(_hear(socket, console, session))
    try:
        await asyncio.wait({speaking, hearing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        console.hub.leave(watcher)
        hearing.cancel()
        speaking.cancel()
        told, _ = await asyncio.gather(speaking, hearing, return_exceptions=True)
    if isinstance(told, int) and socket.client_state is WebSocketState.CONNECTED:
        with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            async with asyncio.timeout(_SEND_SECONDS):
                await socket.close(told)
    elif isinstance(told, Exception) and not isinstance(told, WebSocketDisconnect):
        raise told


async def _speak(socket: WebSocket, watcher: Watcher, console: Console) -> int:
    """Send texts; returns the code to close with."""
    secret, clock = session_cookie(socket.scope), asyncio.get_running_loop().time
    session, look_at = socket.state.session, clock() + _CHECK_SECONDS
    while True:
        text: str | None = ""
        with suppress(TimeoutError):
            text = await asyncio.wait_for(watcher.texts.get(), _CHECK_SECONDS)
        # As it stands in the store: signed out elsewhere, or active elsewhere, counts here, too.
        if clock() >= look_at or console.sign_in.is_over(session):
            with suppress(StoreAwayError):
                session, look_at = await console.sign_in.find(secret), clock() + _CHECK_SECONDS
            if session is None:
                return SIGN_IN_AGAIN
        if text is None:
            return TOO_SLOW if watcher.dropped else GOING_AWAY
        if text:
            try:
                async with asyncio.timeout(_SEND_SECONDS):
                    await socket.send_text(text)
            except TimeoutError:
                return TOO_SLOW


async def _hear(socket: WebSocket, console: Console, session: Session) -> None:
    """Whatever a page says means that its user is there: an open page alone keeps no session."""
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()
            with suppress(StoreAwayError):
                await console.sign_in.touch(session)
