"""Decoding of authorization tokens, and malformed responses."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.aws.authorization import caller_host_of, login_token, reject_other_responses, token_of
from ecr_credhelper.errors import InvalidResponseError, UnreachableError
from ecr_credhelper.token import is_clean

NOW = 1_800_000_000.0
HOUR = 3600


def b64(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def at(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(NOW + seconds, dt.UTC)


def data(**changes: Any) -> dict[str, Any]:
    return {"authorizationToken": b64("AWS:pass:word"), "expiresAt": at(12 * HOUR), **changes}


@pytest.mark.parametrize("shape", [lambda d: [d], lambda d: d], ids=["ecr", "ecr-public"])
def test_a_token_is_split_at_the_first_colon(shape: Any) -> None:
    token = token_of({"authorizationData": shape(data())}, "host", NOW)
    assert (token.username, token.password) == ("AWS", "pass:word")
    assert (token.fetched_at, token.expires_at) == (NOW, NOW + 12 * HOUR)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({}, "has no authorizationData"),
        ({"authorizationData": []}, "has no authorizationData"),
        ({"authorizationData": None}, "has no authorizationData"),
        ({"authorizationData": ["x"]}, "has no authorizationData"),
        ({"authorizationData": [{"expiresAt": at(HOUR)}]}, "has no authorizationToken"),
        ({"authorizationData": [data(authorizationToken="")]}, "has no authorizationToken"),
        ({"authorizationData": [data(authorizationToken=7)]}, "has no authorizationToken"),
        ({"authorizationData": [data(authorizationToken="AWS:pass")]}, "not base64"),
        ({"authorizationData": [data(authorizationToken="QVdTOnA")]}, "not base64"),
        ({"authorizationData": [data(authorizationToken="QVdT\nOnA=")]}, "not base64"),
        ({"authorizationData": [data(authorizationToken="QVdT!OnA=")]}, "not base64"),
        ({"authorizationData": [data(authorizationToken="ÄÖ")]}, "not base64"),
        ({"authorizationData": [data(authorizationToken=b64(b"AWS:\xff\xfe"))]}, "not base64 of UTF-8"),
        ({"authorizationData": [data(authorizationToken=b64("AWSpass"))]}, "not printable user:password"),
        ({"authorizationData": [data(authorizationToken=b64(":pass"))]}, "not printable user:password"),
        ({"authorizationData": [data(authorizationToken=b64("AWS:"))]}, "not printable user:password"),
        ({"authorizationData": [data(authorizationToken=b64("AWS:a\nb"))]}, "not printable user:password"),
        ({"authorizationData": [data(authorizationToken=b64("AWS:a\0b"))]}, "not printable user:password"),
        ({"authorizationData": [data(expiresAt=None)]}, "no expiry"),
        ({"authorizationData": [data(expiresAt="tomorrow")]}, "no expiry"),
        ({"authorizationData": [data(expiresAt=at(0))]}, "already expired"),
        ({"authorizationData": [data(expiresAt=at(-HOUR))]}, "already expired"),
        ({"authorizationData": [data(expiresAt=at(25 * HOUR))]}, "more than a day"),
    ],
)
def test_a_malformed_response_is_an_error_that_names_the_field(response: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidResponseError, match=reason) as caught:
        token_of(response, "host", NOW)
    assert "pass" not in str(caught.value).replace("user:password", "")


@given(st.binary())
def test_any_bytes_for_a_token_are_a_clean_login_or_our_error(content: bytes) -> None:
    try:
        token = token_of({"authorizationData": [data(authorizationToken=b64(content))]}, "host", NOW)
    except InvalidResponseError:
        return
    assert is_clean(token.username)
    assert is_clean(token.password)


@pytest.mark.parametrize(
    ("password", "life"),
    [
        (b64(json.dumps({"payload": "x", "expiration": NOW + HOUR})), HOUR),
        (b64(json.dumps({"expiration": str(int(NOW) + HOUR)})), HOUR),
        (b64(json.dumps({"expiration": NOW - HOUR})), -HOUR),
        (b64(json.dumps({"expiration": NOW + 99 * HOUR})), 12 * HOUR),
        (b64(json.dumps({"expiration": None})), 12 * HOUR),
        (b64(json.dumps({"expiration": "soon"})), 12 * HOUR),
        (f" {b64(json.dumps({'expiration': NOW + HOUR}))}", 12 * HOUR),
        (b64("{}"), 12 * HOUR),
        (b64("[]"), 12 * HOUR),
        (b64("[" * 20000), 12 * HOUR),
        ("an ordinary password", 12 * HOUR),
        ("pässword", 12 * HOUR),
    ],
)
def test_a_stored_login_expires_as_its_password_says_or_after_12_hours(password: str, life: float) -> None:
    token = login_token("AWS", password, NOW)
    assert token.expires_at - NOW == life
    assert token.password == password


@given(st.text())
def test_a_login_with_any_password_expires(password: str) -> None:
    assert login_token("AWS", password, NOW).expires_at <= NOW + 24 * HOUR


@pytest.mark.parametrize(
    ("life", "is_good"), [(1, True), (0, False), (24 * HOUR, True), (24 * HOUR + 1, False)]
)
def test_the_bounds_of_a_tokens_life(life: float, is_good: bool) -> None:
    response = {"authorizationData": [data(expiresAt=at(life))]}
    if is_good:
        assert token_of(response, "host", NOW).expires_at == NOW + life
    else:
        with pytest.raises(InvalidResponseError, match=r"^host: .*; check this machine's clock$"):
            token_of(response, "host", NOW)


@pytest.mark.parametrize(("life", "expected"), [
    (24 * HOUR, 24 * HOUR), (24 * HOUR + 1, 12 * HOUR), ("NaN", 12 * HOUR), ("Infinity", 12 * HOUR),
])  # fmt: skip
def test_the_expiry_in_a_password_is_used_up_to_a_day_ahead(life: float | str, expected: float) -> None:
    end = NOW + life if isinstance(life, int) else life
    token = login_token("me", b64(json.dumps({"expiration": end})), NOW)
    assert (token.username, token.fetched_at, token.expires_at) == ("me", NOW, NOW + expected)


@pytest.mark.parametrize(
    ("response", "host"),
    [
        ({"authorizationData": [data(proxyEndpoint="https://111122223333.example")]}, "111122223333.example"),
        ({"authorizationData": data(proxyEndpoint="https://a")}, "a"),
        ({"authorizationData": [data()]}, ""),
        ({"authorizationData": [data(proxyEndpoint=7)]}, ""),
        ({"authorizationData": []}, ""),
        ({}, ""),
    ],
)
def test_the_callers_host_is_that_of_the_endpoint(response: dict[str, Any], host: str) -> None:
    assert caller_host_of(response) == host


def test_an_error_names_the_registry_and_what_to_check() -> None:
    told = "host: the token has no expiry; try again; if it still fails, check AWS_ENDPOINT_URL and proxies"
    with pytest.raises(InvalidResponseError) as caught:
        token_of({"authorizationData": [data(expiresAt=None)]}, "host", NOW)
    assert str(caught.value) == told


def test_an_incomplete_response_is_reported_as_such() -> None:
    """Some versions of urllib3 raise an exception of their own before, so the function is called directly."""
    response = {"status_code": 200, "headers": {"content-length": "10"}, "body": b'{"a'}
    with pytest.raises(UnreachableError, match="api closed the connection before the end of its response"):
        reject_other_responses("host", "https://api/", response)
