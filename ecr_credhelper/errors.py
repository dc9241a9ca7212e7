"""Exceptions. Each one formats itself as a single line."""

PROG = "docker-credential-ecr-py"
"""The executable's name: ``docker-credential-`` and this helper's name in Docker's configuration."""

NOT_FOUND_TEXT = "credentials not found in native keychain"
"""The protocol's text for "no credentials". Clients compare it, so no other error contains it.

https://github.com/docker/docker-credential-helpers/blob/master/credentials/error.go
"""

MAX_LINE = 2000
"""Maximum length of an error line, in characters: enough for every problem of a settings file."""


OUT_OF_MEMORY = ("failed to map segment", "allocate memory", "malloc failure")
"""Parts of the messages of the dynamic linker, of the system and of OpenSSL if there is not enough memory."""


class CredentialHelperError(Exception):
    """Base class of all errors that this package raises.

    ``subject`` is a registry host or a file, ``reason`` describes what failed, and ``hint`` is what to run or
    change next. None of them contains a secret.
    """

    def __init__(self, subject: str, reason: str, hint: str = "") -> None:
        super().__init__(subject, reason, hint)
        self.subject = subject
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        """Return one printable line, ``subject: reason; hint``, without the not-found text."""
        text = ": ".join(part for part in (self.subject, self.reason) if part)
        text = f"{text}; {self.hint}" if self.hint else text
        text = "".join(c if c.isprintable() else " " for c in text)
        line = " ".join(text.split()).replace(NOT_FOUND_TEXT, "no login")
        return line if len(line) <= MAX_LINE else f"{line[: MAX_LINE - 1]}…"


def internal_error(error: Exception) -> CredentialHelperError:
    """Return an error that reports a bug. It has only the exception's type: the message can hold a secret.

    Too little memory is not a bug.
    """
    if is_out_of_memory(error):
        reason = "there is not enough memory"
        return CredentialHelperError(PROG, reason, "raise the memory limit")
    reason = f"internal error ({type(error).__name__})"
    hint = "please report this line and the command that you ran"
    return CredentialHelperError(PROG, reason, hint)


def is_out_of_memory(error: BaseException | None) -> bool:
    """Return whether memory could not be allocated. Imports and TLS have exceptions of their own for that."""
    return error is not None and (
        isinstance(error, MemoryError)
        or (isinstance(error, ImportError | OSError) and any(text in str(error) for text in OUT_OF_MEMORY))
        or is_out_of_memory(error.__context__)
    )


class ProtocolError(CredentialHelperError):
    """The client's request is malformed."""


class UnsupportedRegistryError(CredentialHelperError):
    """The registry is not an ECR registry."""


class ConfigurationError(CredentialHelperError):
    """A profile, a file or a variable of the user is missing or wrong."""


class CredentialsError(CredentialHelperError):
    """The AWS credentials are missing or have expired, or their source failed."""


class NoCredentialsError(CredentialsError):
    """The credential chain of the AWS SDK found no credentials."""


NO_CREDENTIALS = (
    "no AWS credentials found",
    "set AWS_PROFILE to a profile with credentials, or run: aws configure, or aws sso login",
)
"""Reason and hint of a ``NoCredentialsError``."""


class AccessDeniedError(CredentialHelperError):
    """AWS knows the caller and denies the request."""


class ThrottledError(CredentialHelperError):
    """AWS throttled the request, and the retries too."""


class UnreachableError(CredentialHelperError):
    """The API is unreachable: no network, an unknown host, a TLS failure or a timeout."""


class InvalidResponseError(CredentialHelperError):
    """The API's response contains no usable authorization token."""
