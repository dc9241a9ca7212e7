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

__version__ = "0.1.0"
__all__ = [
    "AccessDeniedError",
    "ConfigurationError",
    "CredentialHelperError",
    "CredentialProvider",
    "Credentials",
    "NoCredentialsError",
    "ThrottledError",
    "UnexpectedAnswerError",
    "UnreachableError",
    "UnsupportedRegistryError",
    "__version__",
    "get_credentials",
]

if not TYPE_CHECKING:  # to a type checker, a name that is not above is a mistake

    def __getattr__(name: str) -> object:
        """Load a public name when it is asked for: the executable needs none of them."""
        if name in __all__:
            from importlib import import_module

            for home in ("errors", "credentials", "provider"):
                module = import_module(f"{__name__}.{home}")
                if hasattr(module, name):
                    return getattr(module, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
