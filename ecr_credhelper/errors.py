"""What can go wrong, a sentence each; every error knows its line for the wire and for the person."""

PROG = "docker-credential-ecr-py"
"""The executable's name: ``docker-credential-`` and this helper's name in Docker's configuration."""

NOT_FOUND_TEXT = "credentials not found in native keychain"
"""What a helper says when it has no login; clients compare it, so no other error may contain it.

https://github.com/docker/docker-credential-helpers/blob/master/credentials/error.go
"""

MAX_LINE = 2000
"""Characters of an error line: enough for every problem of a settings file, and no page of text."""


class CredentialHelperError(Exception):
    """The base of every error that this package raises.

    ``subject`` is what it happened to (a registry host, a file), ``cause`` what happened, ``advice``
    what to run or change next. None of them may hold a secret.
    """

    def __init__(self, subject: str, reason: str, hint: str = "") -> None:
        """Keep the three parts; any line breaks in them are folded when they are shown."""
        super().__init__(subject, reason, hint)
        self.subject = subject
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        """Return one printable line, ``subject: cause; advice``, without the not-found phrase."""
        text = ": ".join(part for part in (self.subject, self.reason) if part)
        text = f"{text}; {self.hint}" if self.hint else text
        text = "".join(c if c.isprintable() else " " for c in text)
        line = " ".join(text.split()).replace(NOT_FOUND_TEXT, "no login")
        return line if len(line) <= MAX_LINE else f"{line[: MAX_LINE - 1]}…"


def internal_error(error: Exception) -> CredentialHelperError:
    """Return our error for a fault of this program: its kind only, its text might hold a secret."""
    reason = f"internal error ({type(error).__name__})"
    hint = "please report it, with this line and what you ran"
    return CredentialHelperError(PROG, reason, hint)


class ProtocolError(CredentialHelperError):
    """The client's request cannot be understood; nothing was done."""


class UnsupportedRegistryError(CredentialHelperError):
    """The registry is not ECR: nothing here could fetch its login, or keep one that was given."""


class ConfigurationError(CredentialHelperError):
    """A profile, a file or a variable of the person's is missing or wrong."""


class CredentialsError(CredentialHelperError):
    """No AWS credentials could be had: none configured, expired, or their source failed."""


class NoCredentialsError(CredentialsError):
    """The whole chain of the AWS SDK has no credentials; ``NOBODY`` are its cause and advice."""


NO_CREDENTIALS = (
    "no AWS credentials were found",
    "set AWS_PROFILE to a profile that has some, or run: aws configure, or aws sso login",
)


class AccessDeniedError(CredentialHelperError):
    """AWS knows the caller and refuses the request."""


class ThrottledError(CredentialHelperError):
    """AWS asked for fewer requests, also after the retries."""


class UnreachableError(CredentialHelperError):
    """The API did not answer: no network, no such host, a TLS failure or a time-out."""


class InvalidResponseError(CredentialHelperError):
    """The API answered with something that is no usable authorization token."""
