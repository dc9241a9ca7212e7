"""Failures of AWS on disk, so that callers do not wait for the same failure one after another.

Callers that waited for the token get the failure too. A slow one is also reported to the next callers, with
its age. Only failures of AWS itself count, not those of prompts, local files or configuration: the user can
correct these between two calls.
"""

import os
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper import errors
from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.files import checksum, digest

if TYPE_CHECKING:
    from ecr_credhelper.records import FileStore

SLOW = 2
"""Minimum duration, in seconds, of a failure that is reported again. Repeating a faster call costs less than
reporting an outdated failure."""

SLOW_AGE = 15
"""Seconds for which a slow failure is reported again."""

MISSING_AGE = 60
"""Seconds for which missing credentials are reported again: outside EC2, botocore waits a second for the
instance metadata. New credentials in the environment or in a file have another key, so they are used."""

VARIABLES = (
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
"""Variables that affect whether a request succeeds and are not in the fingerprint. They can hold secrets."""

CA_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables with the path of a file whose content affects whether a request succeeds."""


class Failure(NamedTuple):
    """A failure: when it was saved, in seconds since the epoch, how many seconds it took, and the error."""

    saved_at: float
    seconds: float
    error: CredentialHelperError

    def is_recent(self, now: float, max_age: float) -> bool:
        """Return whether the failure was saved in the last seconds."""
        return 0 <= now - self.saved_at < max_age

    def error_with_age(self, now: float) -> CredentialHelperError:
        """Return the error with the age of the failure in its reason."""
        reason = f"{self.error.reason} ({now - self.saved_at:.0f} s ago, not tried again since)"
        return type(self.error)(self.error.subject, reason, self.error.hint)


class Failures:
    """The last failure with a key, for all processes with the same ``VARIABLES``."""

    def __init__(self, store: "FileStore", key: str) -> None:
        self._store = store
        values = [os.environ.get(name, "") for name in VARIABLES]
        variables = "\n".join([*values, *(_stamp(os.environ.get(name, "")) for name in CA_VARIABLES)])
        self._key = f"error\t{checksum(os.fsencode(variables))}\t{key}"
        self._name = digest(os.fsencode(self._key))

    def save(self, error: CredentialHelperError, host: str, seconds: float, now: float) -> None:
        """Save a failed fetch for ``host``. ``seconds`` is how long the request took.

        Of several callers, one can start late and fail fast. Then the slower failure counts.
        """
        if (last := self.find(host)) and last.is_recent(now, SLOW_AGE):
            seconds = max(seconds, last.seconds)
        subject = "" if error.subject == host else error.subject
        texts = (_one_line(text) for text in (subject, error.reason, error.hint))
        self._store.try_write(
            "failures", self._name, self._key, repr(now), repr(seconds), type(error).__name__, *texts
        )

    def find(self, host: str) -> Failure | None:
        """Return the last failure, with an error for ``host``."""
        lines = self._store.read("failures", self._name, self._key)
        try:
            saved_at, seconds, name, subject, reason, hint = lines or []
            kind = getattr(errors, name, None)
            if isinstance(kind, type) and issubclass(kind, CredentialHelperError):
                return Failure(float(saved_at), float(seconds), kind(subject or host, reason, hint))
        except ValueError:  # missing, or of another version
            pass
        return None


def _stamp(path: str) -> str:
    """Return a text that changes when a file is written."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return ""
    return f"{status.st_mtime_ns},{status.st_size}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
