"""The caches of AWS SDKs in ``~/.aws``. Broken files count as missing."""

import json
import os
import re
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.utils import JSONFileCache, get_login_token_cache_directory, parse_timestamp

from ecr_credhelper.files import READ_FLAGS, read_all

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

CLI_CACHE = "~/.aws/cli/cache"
"""The AWS CLI's cache: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html"""

SSO_CACHE = "~/.aws/sso/cache"
"""The tokens of ``aws sso login``."""


MAX_FILE = 1024 * 1024
"""Maximum size of a file, in bytes: the tokens of SSO have a few KiB."""

TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|UTC|[+-][01]\d:?[0-5]\d)")
"""The times that AWS SDKs write. botocore compares them with the current time, so the zone is required."""

KEY = re.compile(r"[!-~]+")
"""Keys, tokens and IDs of AWS: they are sent in HTTP headers, where a line break is not allowed."""

PEM = re.compile(r"[\n\r -~]+")
"""The private key of a session of ``aws login``."""


class CheckedCache(JSONFileCache):
    """A cache that has only usable entries: ``check`` raises an exception for the others.

    A pipe or a device counts as missing too: reading it could take until the deadline.
    """

    def __init__(self, directory: str, check: "Callable[[Any], object]", **options: Any) -> None:
        self._directory = os.path.expanduser(directory)
        super().__init__(self._directory, **options)
        self._check = check

    def __contains__(self, cache_key: str) -> bool:
        """Return whether there is a usable entry."""
        try:
            self[cache_key]
        except KeyError:
            return False
        return True

    def __getitem__(self, cache_key: str) -> Any:
        """Return a usable entry; raise KeyError if there is none."""
        try:
            entry = json.loads(_read(os.path.join(self._directory, f"{cache_key}.json")))
            self._check(entry)
        # A RuntimeError is a time that is out of range.
        except (OSError, KeyError, TypeError, ValueError, OverflowError, RuntimeError):
            raise KeyError(cache_key) from None
        return entry


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


def _read(path: str) -> bytes:
    """Return the content of a file; raise ValueError if it is not a regular file, or is too large."""
    descriptor = os.open(path, READ_FLAGS)
    try:
        content = read_all(descriptor, MAX_FILE + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    finally:
        os.close(descriptor)
    if len(content) > MAX_FILE:
        raise ValueError
    return content


def _check_credentials(entry: Any) -> None:
    keys = entry["Credentials"]
    _check_texts(keys, KEY, "AccessKeyId", "SecretAccessKey", "SessionToken", optional=("AccountId",))
    _check_times(keys, "Expiration")


def _check_token(entry: Any) -> None:
    _check_texts(entry, KEY, "accessToken", optional=("refreshToken", "clientId", "clientSecret"))
    _check_times(entry, "expiresAt", optional=("registrationExpiresAt",))


def _check_login(entry: Any) -> None:
    keys = entry["accessToken"]
    _check_texts(keys, KEY, "accessKeyId", "secretAccessKey", "sessionToken", "accountId")
    _check_times(keys, "expiresAt")
    _check_texts(entry, KEY, "refreshToken", "clientId", optional=("signInRegion",))
    _check_texts(entry, PEM, "dpopKey")


def _check_texts(entry: Any, pattern: re.Pattern[str], *names: str, optional: "Collection[str]" = ()) -> None:
    """Raise an exception if a field is missing (unless it is optional), or not a text of this form."""
    for name in (*names, *(name for name in optional if name in entry)):
        if not pattern.fullmatch(entry[name]):
            raise ValueError


def _check_times(entry: Any, *names: str, optional: "Collection[str]" = ()) -> None:
    _check_texts(entry, TIME, *names, optional=optional)
    for name in (*names, *(name for name in optional if name in entry)):
        parse_timestamp(entry[name])
