"""Keep tests away from the user's AWS identity, settings and cache."""

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecr_credhelper.testing.fake_ecr import FakeECR

PREFIXES = ("AWS_", "ECR_CREDHELPER_", "XDG_")
"""Prefixes of the variables that select an identity, settings or a cache."""

SERVICES = ("ECR", "ECR_PUBLIC", "STS")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
HOMES = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA")


@contextmanager
def isolated(api: "FakeECR", directory: "str | os.PathLike[str]") -> "Iterator[None]":
    """Make this process and its child processes use ``api``, with ``directory`` as an empty home directory.

    Only ECR and STS lead to ``api``, so that other services can be faked by another library. AWS SDKs do not
    retry, so that one fault is one failure. The environment is restored at the end.
    """
    home = os.fspath(directory)
    environ = {name: value for name, value in os.environ.items() if not _is_removed(name)}
    environ |= {
        **dict.fromkeys(HOMES, home),
        "DOCKER_CONFIG": os.path.join(home, ".docker"),
        **{name: value for name, value in api.environment.items() if name != "AWS_ENDPOINT_URL"},
        **{f"AWS_ENDPOINT_URL_{service}": api.url for service in SERVICES},
        "AWS_MAX_ATTEMPTS": "1",
    }
    with patch.dict(os.environ, environ, clear=True):
        yield


def _is_removed(name: str) -> bool:
    return name.upper().startswith(PREFIXES) or name.upper() in PROXIES
