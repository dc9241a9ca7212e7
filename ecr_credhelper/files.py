"""Private folders and files: 0700 and 0600 from their creation, own, never through a symbolic link.

Windows has neither modes nor owners in ``os.stat``; there the profile folder's access list, which
new folders inherit, keeps other people out.
"""

import os
import stat

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
OTHERS = 0o077

MAX_FILE = 64 * 1024
"""Bytes read of one file: a token is 2 to 4 KiB, so a larger file is not one of ours."""

_HAS_OWNERS = hasattr(os, "geteuid")
# O_NOFOLLOW: not through a planted link. O_NONBLOCK: a planted pipe must not hold the reader.
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def is_private(folder: str) -> bool:
    """Tell whether ``folder`` is a folder of this user's that nobody else can look into."""
    try:
        status = os.lstat(folder)
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(status.st_mode) and _is_own(status) and not _is_open(status)


def make_private(folder: str) -> bool:
    """Make ``folder``, if need be with those above it; tell whether it is private now.

    A folder of ours whose mode was loosened is tightened again; another's is left alone.
    """
    try:
        _make(folder)
        status = os.lstat(folder)
        if stat.S_ISDIR(status.st_mode) and _is_own(status) and _is_open(status):
            os.chmod(folder, PRIVATE_FOLDER)
    except (OSError, ValueError):
        return False
    return is_private(folder)


def read_private(path: str) -> bytes | None:
    """Return the content of a small regular file of this user's, or None."""
    try:
        descriptor = os.open(path, _READ)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _is_own(status) or status.st_size > MAX_FILE:
            return None
        return os.read(descriptor, MAX_FILE)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def write_private(path: str, content: bytes) -> bool:
    """Replace a file atomically; tell whether it was done. A reader sees the old or the new one, whole."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name[:64]}.{os.urandom(8).hex()}")
    try:
        descriptor = os.open(temporary, _CREATE, PRIVATE_FILE)
    except (OSError, ValueError):
        return False
    try:
        with open(descriptor, "wb") as file:  # buffered: a short write is gone on with, or an error
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        remove(temporary)
        return False
    return True


def create_private(path: str) -> bool:
    """Make an empty file; tell whether it was this caller who made it."""
    try:
        os.close(os.open(path, _CREATE, PRIVATE_FILE))
    except (OSError, ValueError):
        return False
    return True


def remove(path: str) -> None:
    """Remove a file, if it is there and can be removed."""
    try:
        os.unlink(path)
    except (OSError, ValueError):
        return


def _make(folder: str) -> None:
    """Make a folder, if need be with those above it; another process may be making the same ones."""
    above = os.path.dirname(folder)
    if above != folder and not os.path.isdir(above):
        _make(above)
    try:
        os.mkdir(folder, PRIVATE_FOLDER)
    except FileExistsError:
        return


def _is_own(status: os.stat_result) -> bool:
    return not _HAS_OWNERS or status.st_uid == os.geteuid()


def _is_open(status: os.stat_result) -> bool:
    return _HAS_OWNERS and bool(status.st_mode & OTHERS)
