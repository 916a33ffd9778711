"""Passwords, codes and wrong tries: what is let in, and that nobody is locked out by others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from gateway.accounts import passwords, second
from gateway.accounts.passwords import WeakPasswordError
from gateway.accounts.rules import MEANINGS, NAMES, SHIPPED, Rule
from gateway.accounts.signing_in import A_DEVICE, A_LOGIN, A_SOURCE, EVERYWHERE, LOOK_BACK, locked_until
from store.sessions import Try

NOW = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)
# The 20 octets "12345678901234567890" of RFC 6238, appendix B.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def _tries(count: int, login: str = "ada", source: str = "10.0.0.9", device: str = "") -> list[Try]:
    return [Try(login, source, device, NOW - timedelta(seconds=count - n)) for n in range(count)]


def test_a_login_is_tried_five_times_from_one_place() -> None:
    wanted = Try("ada", "10.0.0.9", "", NOW)
    assert locked_until(wanted, _tries(A_LOGIN - 1)) is None
    past = _tries(A_LOGIN)
    assert locked_until(wanted, past) == past[0].at + LOOK_BACK
    assert locked_until(Try("bob", "10.0.0.9", "", NOW), past) is None
    assert locked_until(Try("ada", "10.0.0.7", "", NOW), past) is None


def test_many_logins_from_one_place_and_one_login_from_many_places_end_too() -> None:
    spread = [one for n in range(A_SOURCE) for one in _tries(1, login=f"user{n}")]
    assert locked_until(Try("new", "10.0.0.9", "", NOW), spread) is not None
    botnet = [one for n in range(EVERYWHERE) for one in _tries(1, source=f"10.1.{n // 250}.{n % 250}")]
    assert locked_until(Try("ada", "10.9.9.9", "", NOW), botnet) is not None


def test_a_browser_that_is_known_is_never_locked_out_by_strangers() -> None:
    attack = _tries(10 * EVERYWHERE)
    mine = Try("ada", "10.0.0.9", "known", NOW)
    assert locked_until(mine, attack) is None
    assert locked_until(mine, [*attack, *_tries(A_DEVICE - 1, device="known")]) is None
    assert locked_until(mine, [*attack, *_tries(A_DEVICE, device="known")]) is not None


def test_a_known_browsers_wrong_tries_lock_no_stranger_out() -> None:
    assert locked_until(Try("ada", "10.0.0.9", "", NOW), _tries(A_LOGIN, device="known")) is None


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "a" * 201,
        "aaaaaaaaaaaaaaaa",
        "abcabcabcabc",
        "word word word",
        "ringwell-2026!",
        "PassWord-1234",
    ],
)
def test_passwords_that_are_guessed_are_refused(password: str) -> None:
    with pytest.raises(WeakPasswordError):
        passwords.hashed(password, "ada@clinic.example")


def test_a_password_that_contains_the_login_is_refused() -> None:
    with pytest.raises(WeakPasswordError, match="guessed first"):
        passwords.hashed("my-ada-is-best", "Ada@clinic.example")


def test_a_password_is_kept_as_a_hash_that_only_it_matches() -> None:
    kept = passwords.hashed("four easy words here", "ada")
    assert "easy" not in kept
    assert passwords.matches("four easy words here", kept)
    assert not passwords.matches("four easy words there", kept)
    assert not passwords.matches("four easy words here", None)
    assert not passwords.matches("four easy words here", "not a hash")


# RFC 6238, appendix B, with six of the eight digits.
@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert second.counter_of(code, RFC_SECRET, at) == seconds // 30
    assert second.counter_of(f"{code[:3]} {code[3:]}", RFC_SECRET, at) == seconds // 30


@pytest.mark.parametrize(("off", "good"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_half_a_minute_off(off: int, good: bool) -> None:
    code = pyotp.TOTP(RFC_SECRET).at(NOW.timestamp() + off)
    assert (second.counter_of(code, RFC_SECRET, NOW) is not None) == good


@pytest.mark.parametrize("code", ["", "12345", "abcdef", "²³¹²³¹", "0" * 40])
def test_what_is_no_code_opens_nothing(code: str) -> None:
    assert second.counter_of(code, RFC_SECRET, NOW) is None


def test_the_address_for_the_app_names_clinic_and_login() -> None:
    found = second.address(RFC_SECRET, "ada", "Riverside")
    assert found.startswith("otpauth://totp/Ringwell%20Riverside:ada?secret=")


def test_recovery_codes_differ_and_are_read_however_they_are_typed() -> None:
    codes = second.new_recovery()
    assert len(set(codes)) == second.RECOVERY_CODES
    assert second.digest_of(codes[0]) == second.digest_of(f" {codes[0].upper().replace('-', ' ')} ")
    assert second.digest_of(codes[0]) != second.digest_of(codes[1])


def test_every_rule_has_a_name_and_a_meaning_and_the_administrator_has_all() -> None:
    assert set(NAMES) == set(MEANINGS) == set(Rule)
    shipped = {key: set(rules) for key, _, rules in SHIPPED}
    assert shipped["administrator"] == set(Rule)
    assert Rule.USERS not in shipped["front-desk"] | shipped["clinician"] | shipped["auditor"]
