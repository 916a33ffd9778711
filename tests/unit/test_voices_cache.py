"""Names that tell nothing, uses that are remembered, and room made only where nobody misses it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from voices.cache import KEEP_SECONDS, SoundCache

LONG_AGO = time.time() - KEEP_SECONDS - 60


def opened(folder: Path, limit: int = 1000) -> SoundCache:
    cache = SoundCache(folder, limit)
    cache.open()
    return cache


def sound(cache: SoundCache, name: str, used: float, size: int = 600) -> Path:
    file = cache.address(name)
    file.write_bytes(b"x" * size)
    os.utime(file, (used, used))
    return file


def test_processes_that_share_a_folder_agree_on_names(tmp_path):
    one, two = opened(tmp_path), opened(tmp_path)
    assert one.address("speech", "Rosa") == two.address("speech", "Rosa")
    assert one.address("speech", "Rosa") != one.address("speech", "Rosa ")


def test_names_cannot_be_found_out_without_the_key(tmp_path):
    one, two = opened(tmp_path / "one"), opened(tmp_path / "two")
    assert one.address("speech", "Rosa").name != two.address("speech", "Rosa").name
    assert (tmp_path / "one" / "key").stat().st_mode & 0o077 == 0


def test_asking_for_a_sound_is_a_use(tmp_path):
    cache = opened(tmp_path)
    file = sound(cache, "old", LONG_AGO)
    assert cache.has(file)
    assert time.time() - file.stat().st_mtime < 60
    assert not cache.has(cache.address("absent"))


def test_the_least_used_sounds_make_room(tmp_path):
    cache = opened(tmp_path)
    older, newer = sound(cache, "a", LONG_AGO - 10), sound(cache, "b", LONG_AGO)
    assert cache.sweep() == 1
    assert not older.exists()
    assert newer.exists()
    assert cache.sweep() == 0


def test_a_sound_of_the_last_hour_stays_whatever_the_limit(tmp_path, caplog):
    cache = opened(tmp_path, limit=10)
    file = sound(cache, "playing now", time.time() - 3500)
    assert cache.sweep() == 0
    assert file.exists()
    assert "the limit" in caplog.text


def test_only_own_files_are_ever_removed(tmp_path):
    cache = opened(tmp_path, limit=0)
    others = [tmp_path / "greeting.wav", tmp_path / "key", tmp_path / "notes.txt", tmp_path / ".x.part"]
    for file in others:
        file.touch()
        os.utime(file, (LONG_AGO, LONG_AGO))
    leftover = tmp_path / f".{'0' * 32}.01234567.part"
    leftover.touch()
    os.utime(leftover, (LONG_AGO, LONG_AGO))
    assert cache.sweep() == 1
    assert not leftover.exists()
    assert all(file.exists() for file in others)


@pytest.mark.parametrize("times", [2])
def test_a_key_is_made_once(tmp_path, times):
    keys = set()
    for _ in range(times):
        opened(tmp_path)
        keys.add((tmp_path / "key").read_bytes())
    assert len(keys) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["key"]
