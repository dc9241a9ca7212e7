"""The caches of AWS SDKs in ``~/.aws``. Broken files count as missing."""

import datetime as dt
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.utils import JSONFileCache, get_login_token_cache_directory, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

CLI_CACHE = "~/.aws/cli/cache"
"""The AWS CLI's cache: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html"""

SSO_CACHE = "~/.aws/sso/cache"
"""The tokens of ``aws sso login``."""


class CheckedCache(JSONFileCache):
    """A cache that has only usable entries: ``check`` raises an exception for the others."""

    def __init__(self, directory: str, check: "Callable[[Any], object]", **options: Any) -> None:
        super().__init__(os.path.expanduser(directory), **options)
        self._check = check

    def __contains__(self, cache_key: str) -> bool:
        """Return whether there is a usable entry."""
        try:
            self._check(self[cache_key])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
            return False
        return True


class CLICache(CheckedCache):
    """The AWS CLI's cache. If it cannot be written, credentials are not shared."""

    def __init__(self) -> None:
        super().__init__(CLI_CACHE, _check_credentials)

    def __setitem__(self, cache_key: str, value: object) -> None:
        """Write the credentials, if possible."""
        with suppress(OSError):
            super().__setitem__(cache_key, value)


class SSOTokenCache(CheckedCache):
    """The tokens of ``aws sso login``, written by ``dumps``."""

    def __init__(self, dumps: "Callable[[Any], str]") -> None:
        super().__init__(SSO_CACHE, _check_token, dumps_func=dumps)


class LoginCache(CheckedCache):
    """The credentials and tokens of ``aws login``."""

    def __init__(self) -> None:
        super().__init__(get_login_token_cache_directory(), _check_login)


def _check_credentials(entry: Any) -> None:
    keys = entry["Credentials"]
    _check_texts(keys, "AccessKeyId", "SecretAccessKey", "SessionToken")
    _check_times(keys, "Expiration")


def _check_token(entry: Any) -> None:
    _check_texts(entry, "accessToken")
    _check_times(entry, "expiresAt", *({"registrationExpiresAt"} & set(entry)))


def _check_login(entry: Any) -> None:
    keys = entry["accessToken"]
    _check_texts(keys, "accessKeyId", "secretAccessKey", "sessionToken", "accountId")
    _check_times(keys, "expiresAt")


def _check_texts(entry: Any, *names: str) -> None:
    if not all(isinstance(entry[name], str) for name in names):
        raise TypeError


def _check_times(entry: Any, *names: str) -> None:
    _check_texts(entry, *names)
    for name in names:
        parse_timestamp(entry[name]) - dt.datetime.now(dt.UTC)  # a TypeError without a time zone
