"""The caches of AWS SDKs in ``~/.aws``. Broken files count as missing.

Root in another user's home, for example with ``sudo -E``, reads them and writes nothing there: the user could
not replace files owned by root. It does not refresh a session either. AWS accepts a refresh token only once,
so the user would have to log in again.
"""

import datetime as dt
import json
import os
import re
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.utils import JSONFileCache, get_login_token_cache_directory, parse_timestamp

from ecr_credhelper.errors import CredentialsError
from ecr_credhelper.files import READ_FLAGS, foreign_directory, read_all

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

CLI_CACHE = os.path.join("~", ".aws", "cli", "cache")
"""The AWS CLI's cache: https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html"""

SSO_CACHE = os.path.join("~", ".aws", "sso", "cache")
"""The tokens of ``aws sso login``."""

LOGIN_REFRESH = dt.timedelta(minutes=6)
"""Remaining life at which credentials of ``aws login`` count as expired. botocore refreshes them in the last
five minutes."""

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

    A pipe or a device counts as missing too: reading it could take until the deadline. Below a directory of
    another user, new entries are kept in memory. ``subject`` is that of errors.
    """

    def __init__(
        self, directory: str, check: "Callable[[Any], object]", subject: str = "", **options: Any
    ) -> None:
        self._directory = os.path.expanduser(directory)
        super().__init__(self._directory, **options)
        self._check = check
        self._subject = subject
        self._memory: dict[str, Any] = {}
        self.is_foreign = foreign_directory(self._directory) is not None

    def __contains__(self, cache_key: str) -> bool:
        """Return whether there is a usable entry."""
        try:
            self[cache_key]
        except KeyError:
            return False
        return True

    def __getitem__(self, cache_key: str) -> Any:
        """Return a usable entry; raise KeyError if there is none."""
        if cache_key in self._memory:
            return self._memory[cache_key]
        try:
            entry = json.loads(_read(os.path.join(self._directory, f"{cache_key}.json")))
            self._check(entry)
        # A RuntimeError is a time that is out of range.
        except (OSError, KeyError, TypeError, ValueError, OverflowError, RuntimeError):
            raise KeyError(cache_key) from None
        return entry

    def __setitem__(self, cache_key: str, value: Any) -> None:
        """Write an entry."""
        if self.is_foreign:
            self._memory[cache_key] = value
        else:
            super().__setitem__(cache_key, value)

    def _raise_if_over(self, session: str, expires_at: str, margin: dt.timedelta = dt.timedelta()) -> None:
        """Raise CredentialsError if a session of another user would have to be refreshed."""
        if parse_timestamp(expires_at) - dt.datetime.now(dt.UTC) <= margin:
            reason = f"{session} in {self._directory} has expired, and root does not refresh it for its owner"
            raise CredentialsError(self._subject, reason, "run this as that user, or use sudo -H")


class CLICache(CheckedCache):
    """The AWS CLI's cache. If it cannot be written, credentials are not shared."""

    def __init__(self) -> None:
        super().__init__(CLI_CACHE, _check_credentials)

    def __setitem__(self, cache_key: str, value: Any) -> None:
        """Write the credentials, if possible."""
        with suppress(OSError):
            super().__setitem__(cache_key, value)


class SSOTokenCache(CheckedCache):
    """The tokens of ``aws sso login``, written by ``dumps``."""

    def __init__(self, dumps: "Callable[[Any], str]", subject: str = "") -> None:
        super().__init__(SSO_CACHE, _check_token, subject, dumps_func=dumps)

    def __getitem__(self, cache_key: str) -> Any:
        """Return a token: that of another user without what is needed to refresh it."""
        entry = super().__getitem__(cache_key)
        if not self.is_foreign:
            return entry
        self._raise_if_over("the SSO session", entry["expiresAt"])
        return {name: value for name, value in entry.items() if name != "refreshToken"}


class LoginCache(CheckedCache):
    """The credentials and tokens of ``aws login``."""

    def __init__(self, subject: str = "") -> None:
        super().__init__(get_login_token_cache_directory(), _check_login, subject)

    def __getitem__(self, cache_key: str) -> Any:
        """Return credentials: those of another user only while botocore does not refresh them."""
        entry = super().__getitem__(cache_key)
        if self.is_foreign:
            self._raise_if_over("the session of aws login", entry["accessToken"]["expiresAt"], LOGIN_REFRESH)
        return entry


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
