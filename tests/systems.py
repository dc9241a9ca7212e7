"""Marks of tests that do not apply to every system, each with its reason."""

from __future__ import annotations

import os
import sys
import tempfile

import pytest


def _has_links() -> bool:
    """Return whether this process can create symbolic links.

    On Windows, this needs a privilege. Under Wine, it succeeds, but there is no link.
    """
    with tempfile.TemporaryDirectory() as directory:
        link = os.path.join(directory, "link")
        try:
            os.symlink(directory, link)
        except OSError:
            return False
        return os.path.islink(link)


def _not_on_windows(reason: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(sys.platform == "win32", reason=reason)


documents = _not_on_windows("documents are the same on every system: Linux checks them")
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no os.fork")
links = pytest.mark.skipif(not _has_links(), reason="this process cannot create symbolic links")
owners = _not_on_windows("Windows reports neither owners nor modes of files")
linux_store = _not_on_windows("the tests replace the certificate store of Linux")
pipes = _not_on_windows("Windows has no named pipes in directories")
posix_paths = _not_on_windows("the paths are those of POSIX")
scripts = _not_on_windows("the programs are shell scripts")
shells = _not_on_windows("the commands are those of a POSIX shell")
terminals = _not_on_windows("Windows has no pseudo-terminals")
