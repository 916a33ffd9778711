"""The options of a broadcast are the same for each command that orders one."""

from __future__ import annotations

import pytest
from typer.main import get_command

from gateway.__main__ import app
from gateway.commands.broadcast_options import Ordered, OrderedOnce


def _options(*way: str) -> dict[str, list[str]]:
    command = get_command(app)
    for name in way:
        command = command.commands[name]  # type: ignore[attr-defined]
    return {one.name: [*one.opts, *one.secondary_opts] for one in command.params if one.name}


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        (("broadcast", "plan"), OrderedOnce),
        (("broadcast", "create"), OrderedOnce),
        (("rule", "add"), Ordered),
    ],
)
def test_each_field_is_an_option(way: tuple[str, str], kind: type[Ordered]) -> None:
    found = _options(*way)
    assert set(kind.__dataclass_fields__) <= set(found)
    assert found["only_preference"] == ["--only-preference", "--everybody-by-channel"]
    assert "options" not in found


def test_the_commands_keep_their_own() -> None:
    assert "--render" in _options("broadcast", "create")["render"]
    assert "--every" in _options("rule", "add")["every"]
    assert _options("broadcast", "create")["name"] == ["name"]
