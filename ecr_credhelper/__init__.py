"""A Docker credential helper for Amazon ECR, and the same logins for Python programs.

    from ecr_credhelper import get_credentials

    login = get_credentials("111122223333.dkr.ecr.us-west-2.amazonaws.com")
    login.username, login.password, login.expires_at

Use ``CredentialProvider`` in long-running programs. Every error is a ``CredentialHelperError``.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ecr_credhelper.errors import (
        AccessDeniedError,
        ConfigurationError,
        CredentialHelperError,
        CredentialsError,
        InvalidResponseError,
        NoCredentialsError,
        ThrottledError,
        UnreachableError,
        UnsupportedRegistryError,
    )
    from ecr_credhelper.library.credentials import Credentials, get_credentials
    from ecr_credhelper.library.hosts import registry_host
    from ecr_credhelper.library.provider import CredentialProvider
else:  # hidden from type checkers, which then report misspelled names

    def __getattr__(name: str) -> object:
        """Load a public name on first use, since the executable needs none of them."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        default = "errors" if name.endswith("Error") else "library.credentials"
        modules = {"CredentialProvider": "library.provider", "registry_host": "library.hosts"}
        module = modules.get(name, default)
        return getattr(import_module(f"{__name__}.{module}"), name)


__version__ = "0.1.0"
__all__ = [
    "AccessDeniedError",
    "ConfigurationError",
    "CredentialHelperError",
    "CredentialProvider",
    "Credentials",
    "CredentialsError",
    "InvalidResponseError",
    "NoCredentialsError",
    "ThrottledError",
    "UnreachableError",
    "UnsupportedRegistryError",
    "__version__",
    "get_credentials",
    "registry_host",
]  # fmt: skip


def __dir__() -> list[str]:
    return __all__
