"""A token's times."""

from __future__ import annotations

import pytest

from ecr_credhelper import token as token_module
from ecr_credhelper.token import Token, is_clean

HOUR = 3600
NOW = 1_800_000_000.0


def token(*, age: float = 0, left: float) -> Token:
    return Token("AWS", "password", fetched_at=NOW - age, expires_at=NOW + left)


@pytest.mark.parametrize(
    ("age", "left", "valid", "ageing", "due"),
    [
        (0, 12 * HOUR, True, False, False),
        (8.9 * HOUR, 3.1 * HOUR, True, False, False),
        (9.1 * HOUR, 2.9 * HOUR, True, True, False),
        (11.7 * HOUR, 0.3 * HOUR, True, True, False),
        (11.8 * HOUR, 0.2 * HOUR, True, True, True),
        (12 * HOUR, 0, False, True, True),
        (13 * HOUR, -HOUR, False, True, True),
    ],
    ids=["new", "plenty", "last quarter", "18 minutes", "12 minutes", "end", "after it"],
)
def test_a_tokens_age_determines_how_it_is_served_and_refreshed(
    age: float, left: float, valid: bool, ageing: bool, due: bool
) -> None:
    one = token(age=age, left=left)
    assert (one.is_valid(NOW), one.should_refresh_ahead(NOW), one.should_wait_for_refresh(NOW)) == (
        valid,
        ageing,
        due,
    )


def test_a_token_from_the_future_is_not_valid_after_the_clock_jumped_back() -> None:
    assert not token(age=-2 * HOUR, left=14 * HOUR).is_valid(NOW)
    assert token(age=-30, left=12 * HOUR).is_valid(NOW)


@pytest.mark.parametrize("end", [float("inf"), float("nan"), NOW + 25 * HOUR])
def test_a_token_with_an_impossible_lifetime_is_not_valid(end: float) -> None:
    assert not Token("AWS", "password", fetched_at=NOW, expires_at=end).is_valid(NOW)


def test_repr_hides_the_password() -> None:
    assert "password" not in repr(token(left=HOUR)).replace("username", "")


@pytest.mark.parametrize(
    ("text", "clean"),
    [("AWS", True), ("pass word", True), ("", False), ("a\nb", False), ("a\0b", False), ("\udc80", False)],
)
def test_only_printable_text_is_a_valid_login(text: str, clean: bool) -> None:
    assert is_clean(text) is clean


@pytest.mark.parametrize(
    ("age", "left", "ahead", "wait"),
    [
        (9 * HOUR, 3 * HOUR, False, False),
        (9 * HOUR + 1, 3 * HOUR - 1, True, False),
        (12 * HOUR - 900, 900, True, False),
        (12 * HOUR - 899, 899, True, True),
    ],
    ids=["last of three quarters", "first of the last quarter", "15 minutes", "less than 15 minutes"],
)
def test_the_bounds_of_a_refresh(age: float, left: float, ahead: bool, wait: bool) -> None:
    one = token(age=age, left=left)
    assert (one.should_refresh_ahead(NOW), one.should_wait_for_refresh(NOW)) == (ahead, wait)


def test_the_bounds_of_what_may_be_served() -> None:
    assert token(left=24 * HOUR).is_valid(NOW)
    assert not token(left=24 * HOUR + 1).is_valid(NOW)
    assert token(age=-60, left=12 * HOUR).is_valid(NOW)
    assert not token(age=-61, left=12 * HOUR).is_valid(NOW)
    assert token(age=HOUR, left=1).is_valid(NOW)
    assert not token(age=HOUR, left=0).is_valid(NOW)


@pytest.mark.parametrize(("overdue", "attempt"), [(1, 0), (299, 0), (300, 1), (599, 1), (600, 2)])
def test_a_refresh_is_tried_again_every_five_minutes(overdue: float, attempt: int) -> None:
    assert token(age=9 * HOUR + overdue, left=3 * HOUR - overdue).refresh_attempt(NOW) == attempt


def test_a_token_is_a_pair_and_is_shown_without_its_password() -> None:
    one = token(left=HOUR)
    assert one.pair == ("AWS", "password")
    assert repr(one) == "Token(username='AWS', expires_at=1800003600)"
    assert token_module.LIFETIME == 12 * HOUR
