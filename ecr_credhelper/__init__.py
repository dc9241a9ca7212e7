"""Registry logins for Amazon ECR: a Docker credential helper, and the same login for Python programs.

    from ecr_credhelper import get_credentials

    login = get_credentials("111122223333.dkr.ecr.us-west-2.amazonaws.com")
    login.username, login.password, login.expires_at

``CredentialProvider`` is for programs that live long; every error is a ``CredentialHelperError``.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ecr_credhelper.credentials import Credentials, get_credentials
    from ecr_credhelper.errors import (
        AccessDeniedError,
        ConfigurationError,
        CredentialHelperError,
        NoCredentialsError,
        ThrottledError,
        UnexpectedAnswerError,
        UnreachableError,
        UnsupportedRegistryError,
    )
    from ecr_credhelper.provider import CredentialProvider
else:  # a type checker takes a name that is not above for a mistake

    def __getattr__(name: str) -> object:
        """Load a public name when it is asked for: the executable needs none of them."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        other = "errors" if name.endswith("Error") else "credentials"
        home = "provider" if name == "CredentialProvider" else other
        return getattr(import_module(f"{__name__}.{home}"), name)


__version__ = "0.1.0"
__all__ = [
    "AccessDeniedError", "ConfigurationError", "CredentialHelperError", "CredentialProvider", "Credentials",
    "NoCredentialsError", "ThrottledError", "UnexpectedAnswerError", "UnreachableError",
    "UnsupportedRegistryError", "__version__", "get_credentials",
]  # fmt: skip


def __dir__() -> list[str]:
    return __all__
