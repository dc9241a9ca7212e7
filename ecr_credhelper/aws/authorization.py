"""Decode authorization tokens: base64 of ``user:password``. The password is base64 of JSON.

Every malformed response is an InvalidResponseError that names the field but never shows its content.
"""

import base64
import binascii
import datetime as dt
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ecr_credhelper.errors import InvalidResponseError, UnreachableError
from ecr_credhelper.token import LIFETIME, MAX_LIFETIME, Token, is_clean

if TYPE_CHECKING:
    from collections.abc import Mapping

OK = 200
"""The HTTP status of a successful response."""

MOTO_YEAR = 2015
"""The tokens of moto, which fakes AWS in tests, expire at the start of this year, before ECR existed."""

HINT = "try again; if it still fails, check AWS_ENDPOINT_URL and proxies"


def token_of(response: "Mapping[str, Any]", subject: str, now: float) -> Token:
    """Return the token in a response of ``GetAuthorizationToken``, as botocore parsed it.

    Args:
        response: ``authorizationData`` is a list of one structure (ecr) or the structure itself
            (ecr-public), with ``authorizationToken`` (base64) and ``expiresAt`` (aware datetime).
        subject: the registry's host, for the errors.
        now: the time of the response, in seconds since the epoch.

    Raises:
        InvalidResponseError: a field is missing, malformed, out of range or expired.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_AuthorizationData.html

    """
    data = _authorization_data(response)
    if data is None:
        raise InvalidResponseError(subject, "the API response has no authorizationData", HINT)
    username, password = _decode(data.get("authorizationToken"), subject)
    expires_at = _expiry(data.get("expiresAt"), subject, now)
    return Token(username, password, fetched_at=now, expires_at=expires_at)


def reject_other_responses(subject: str, url: str, response_dict: "Mapping[str, Any]", **_: object) -> None:
    """Raise an error if a successful response is not a JSON object: it can be from a proxy, or incomplete.

    botocore calls this before it parses a response. It would take such a response for an empty one.
    """
    if response_dict["status_code"] != OK:
        return
    body, host = response_dict["body"], urlsplit(url).hostname
    try:
        is_object = isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        is_object = False
    if is_object:
        return
    length = response_dict["headers"].get("content-length", "")
    if length.isdecimal() and int(length) > len(body):  # some versions of urllib3 do not check that
        reason = f"{host} closed the connection before the end of its response"
        raise UnreachableError(subject, reason, "check HTTPS_PROXY and AWS_ENDPOINT_URL, and try again")
    reason = f"the response of {host} is not from Amazon ECR: it is not a JSON object"
    raise InvalidResponseError(subject, reason, HINT)


def caller_host_of(response: "Mapping[str, Any]") -> str:
    """Return the host of the registry in the caller's account, or an empty string if it is missing."""
    endpoint = (_authorization_data(response) or {}).get("proxyEndpoint")
    return endpoint.removeprefix("https://") if isinstance(endpoint, str) else ""


def login_token(username: str, password: str, now: float) -> Token:
    """Return a stored login as a token. It expires as its password says, or otherwise after 12 hours."""
    expires_at = _password_expiry(password)
    if expires_at is None or not expires_at - now <= MAX_LIFETIME:  # also true for NaN
        expires_at = now + LIFETIME
    return Token(username, password, fetched_at=now, expires_at=expires_at)


def _authorization_data(response: "Mapping[str, Any]") -> dict[str, Any] | None:
    data = response.get("authorizationData")
    if isinstance(data, list):
        data = data[0] if data else None
    return data if isinstance(data, dict) else None


def _decode(authorization_token: object, subject: str) -> tuple[str, str]:
    if not isinstance(authorization_token, str) or not authorization_token:
        raise InvalidResponseError(subject, "the API response has no authorizationToken", HINT)
    try:
        login = base64.b64decode(authorization_token, validate=True).decode()
    except (binascii.Error, ValueError):  # not ASCII, not base64 or not UTF-8
        reason = "the authorizationToken is not base64 of UTF-8 text"
        raise InvalidResponseError(subject, reason, HINT) from None
    username, _, password = login.partition(":")
    if not is_clean(username) or not is_clean(password):
        reason = "the authorizationToken is not printable user:password"
        raise InvalidResponseError(subject, reason, HINT)
    return username, password


def _expiry(value: object, subject: str, now: float) -> float:
    if not isinstance(value, dt.datetime):
        raise InvalidResponseError(subject, "the token has no expiry", HINT)
    expires_at = value.timestamp()
    if expires_at <= now:
        reason = f"the token has already expired, at {_format_utc(value)}"
        hint = "check this machine's clock"
        if value.year == MOTO_YEAR:
            hint = "if this is moto, use the fixture fake_ecr of ecr_credhelper.testing instead"
        raise InvalidResponseError(subject, reason, hint)
    if expires_at - now > MAX_LIFETIME:
        reason = f"the token expires more than a day from now, at {_format_utc(value)}"
        raise InvalidResponseError(subject, reason, "check this machine's clock")
    return expires_at


def _format_utc(time: dt.datetime) -> str:
    return time.isoformat(" ", "minutes").replace("+00:00", " UTC")


def _password_expiry(password: str) -> float | None:
    """Return the ``expiration`` in a password, in seconds since the epoch, or None."""
    try:
        expiration = json.loads(base64.b64decode(password, validate=True))["expiration"]
        return float(expiration)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
