"""Failures of AWS on disk, so that callers do not wait for the same failure one after another.

A failure is shared with callers that waited for the token meanwhile. A slow one is also reported to the next
callers, with its age. Only failures of AWS itself count, not those of prompts, local files or configuration:
the user can correct these between two calls.
"""

import os
from typing import TYPE_CHECKING

from ecr_credhelper import errors
from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.files import checksum, digest

if TYPE_CHECKING:
    from ecr_credhelper.records import FileStore

SLOW = 2
"""Seconds after which a failure is remembered: repeating a faster one costs less than a wrong report."""

MAX_AGE = 15
"""Seconds for which a slow failure is reported again."""

VARIABLES = (
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
"""Variables that decide whether a request succeeds, beside those of a fingerprint. They can hold secrets."""


class Failures:
    """The last failure to fetch a token. It is shared by processes with the same key and ``VARIABLES``."""

    def __init__(self, store: "FileStore", key: str) -> None:
        self._store = store
        variables = "\n".join(os.environ.get(name, "") for name in VARIABLES)
        self._key = f"error\t{checksum(os.fsencode(variables))}\t{key}"
        self._name = digest(os.fsencode(self._key))

    def save(self, error: CredentialHelperError, host: str, seconds: float, now: float) -> None:
        """Save a failure to serve ``host`` that took some seconds."""
        subject = "" if error.subject == host else error.subject
        texts = (_one_line(text) for text in (subject, error.reason, error.hint))
        self._store.try_write(
            "failures", self._name, self._key, repr(now), repr(seconds), type(error).__name__, *texts
        )

    def since(self, start: float, host: str) -> CredentialHelperError | None:
        """Return the failure that was saved after ``start``, as an error for ``host``."""
        found = self._read(host)
        return found[2] if found and found[0] >= start else None

    def remembered(self, now: float, host: str) -> CredentialHelperError | None:
        """Return a slow failure of the last seconds, as an error for ``host`` with its age."""
        found = self._read(host)
        if found is None:
            return None
        failed_at, seconds, error = found
        age = now - failed_at
        if seconds < SLOW or not 0 <= age < MAX_AGE:
            return None
        reason = f"{error.reason} ({age:.0f} s ago, not tried again since)"
        return type(error)(error.subject, reason, error.hint)

    def _read(self, host: str) -> tuple[float, float, CredentialHelperError] | None:
        """Return when the failure was saved, how many seconds it took, and the error."""
        lines = self._store.read("failures", self._name, self._key)
        try:
            failed_at, seconds, name, subject, reason, hint = lines or []
            kind = getattr(errors, name, None)
            if not (isinstance(kind, type) and issubclass(kind, CredentialHelperError)):
                return None
            return float(failed_at), float(seconds), kind(subject or host, reason, hint)
        except ValueError:  # missing, or of another version
            return None


def _one_line(text: str) -> str:
    return " ".join(text.split())
