"""Values on their way into channel variables."""

from __future__ import annotations

import pytest

from gateway.asterisk.calls import pieces


def test_a_long_list_is_cut_into_pieces_that_make_the_whole() -> None:
    whole = "&".join(f"/somewhere/sound-{number:03d}" for number in range(200))
    cut = pieces("LIST", whole)
    assert "".join(cut[f"LIST_{number}"] for number in range(len(cut))) == whole
    assert len(cut) > 1
    with pytest.raises(ValueError, match="do not fit"):
        pieces("LIST", "x" * 10_000)
