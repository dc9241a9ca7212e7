"""A Docker credential helper for Amazon ECR, and the same logins for Python programs.

    from ecr_credhelper import get_credentials

    login = get_credentials("111122223333.dkr.ecr.us-west-2.amazonaws.com")
    login.username, login.password, login.expires_at

Use ``CredentialProvider`` in long-running programs. Every error is a ``CredentialHelperError``.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import RLock

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
        default = "errors" if name.endswith("Error") else "library.credentials"
        modules = {"CredentialProvider": "library.provider", "registry_host": "library.hosts"}
        with fork_lock():
            from importlib import import_module

            return getattr(import_module(f"{__name__}.{modules.get(name, default)}"), name)


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


_fork_locks: "dict[str, RLock]" = {}


def fork_lock() -> "RLock":
    """Return a lock for which forks wait. Hold it for every import in a thread of a program.

    If the program forks while one of its threads imports a module, the child can never complete the import.
    This is not a module of its own, because the first import already needs the lock.
    """
    import _thread  # built in, as is os: these imports need no lock
    import logging  # noqa: F401 - a fork must take our lock before that of logging, which imports need
    import os

    lock = _fork_locks.setdefault("lock", _thread.RLock())
    with lock:
        if "hooks" not in _fork_locks:  # They cannot be removed, so they are registered once.
            getattr(os, "register_at_fork", dict)(  # missing on Windows
                before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
            )
            _fork_locks["hooks"] = lock
    return lock


def __dir__() -> list[str]:
    return __all__
