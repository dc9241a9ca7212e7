"""Access files through an open directory, which stays the same if its path is replaced.

Root can run this program in the home directory of a user who replaces files and directories with symbolic
links at any time. Therefore, a directory is opened once and used through its descriptor. Owner and mode are
set through descriptors, never by path. Windows has no directory descriptors and no owners, so paths are used.
"""

import errno
import os
import stat
from contextlib import suppress
from typing import NamedTuple

from ecr_credhelper.files import PRIVATE_DIRECTORY, PRIVATE_FILE, replace

_HAS_DESCRIPTORS = os.open in os.supports_dir_fd and hasattr(os, "fchown")
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
# O_NONBLOCK: opening a named pipe must not wait for its writer.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY


class NotAFileError(OSError):
    """The path exists, but is not a regular file."""


class Contents(NamedTuple):
    """The content of a file, with its owner, group and permissions at the same time."""

    data: bytes
    uid: int
    gid: int
    mode: int


def read(path: str, *, follow: bool = True, directory: int | None = None) -> Contents | None:
    """Return the contents of a regular file, or None if it does not exist; raise OSError on failure.

    Without ``follow``, ``path`` must not be a symbolic link. ``directory`` is the descriptor that a relative
    path refers to.
    """
    try:
        descriptor = os.open(path, _READ if follow else _READ | _NOFOLLOW, dir_fd=directory)
    except FileNotFoundError:
        return None
    except PermissionError:
        if directory is None and os.path.isdir(path):  # Windows does not open directories.
            raise NotAFileError(errno.EINVAL, os.strerror(errno.EINVAL)) from None
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotAFileError(errno.EINVAL, os.strerror(errno.EINVAL))
        with open(descriptor, "rb", closefd=False) as file:
            return Contents(file.read(), status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
    finally:
        os.close(descriptor)


class Directory:
    """An open directory, created with its parents if it is missing.

    A new directory gets the owner of its parent. The methods take the names of files in the directory, and
    raise OSError on failure.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._descriptor: int | None = None
        if _HAS_DESCRIPTORS:
            self._descriptor = _open(path)
        else:
            os.makedirs(path, exist_ok=True)

    def close(self) -> None:
        """Close the descriptor."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def read(self, name: str, *, follow: bool = True) -> Contents | None:
        """Return the contents of a file, or None if it does not exist."""
        return read(self._at(name), follow=follow, directory=self._descriptor)

    def names(self) -> list[str]:
        """Return the names of all entries."""
        return os.listdir(self.path if self._descriptor is None else self._descriptor)

    def modified(self, name: str) -> float:
        """Return the modification time of a file, in seconds since the epoch."""
        return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False).st_mtime

    def create(self, name: str, data: bytes, like: Contents | None) -> None:
        """Create a file with the owner and mode of ``like``, or a private one with the directory's owner."""
        descriptor = os.open(self._at(name), _CREATE, PRIVATE_FILE, dir_fd=self._descriptor)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if self._descriptor is None:
                return
            if like is None:
                _copy_owner(descriptor, os.fstat(self._descriptor))
            else:
                os.fchown(descriptor, like.uid, -1)
                with suppress(OSError):  # The user is not in this group, for example after sudo.
                    os.fchown(descriptor, -1, like.gid)
                os.fchmod(descriptor, like.mode)

    def replace(self, new: str, name: str) -> None:
        """Rename the file ``new`` to ``name``, and replace the file with that name."""
        replace(self._at(new), self._at(name), self._descriptor)

    def remove(self, name: str) -> None:
        """Remove a file if it exists."""
        with suppress(FileNotFoundError):
            os.unlink(self._at(name), dir_fd=self._descriptor)

    def discard(self, name: str) -> None:
        """Remove a file if possible, without an error."""
        with suppress(OSError):
            self.remove(name)

    def _at(self, name: str) -> str:
        """Return a path for the system: relative to the descriptor, or complete without a descriptor."""
        return os.path.join(self.path, name) if self._descriptor is None else name


def _open(path: str) -> int:
    """Open a directory and return its descriptor; create the directory and its parents if missing."""
    try:
        return os.open(path, _DIRECTORY)
    except FileNotFoundError:
        parent_path, name = os.path.split(path)
    parent = _open(parent_path)
    try:
        with suppress(FileExistsError):  # Another process created it at the same time.
            os.mkdir(name, PRIVATE_DIRECTORY, dir_fd=parent)
        descriptor = os.open(name, _DIRECTORY | _NOFOLLOW, dir_fd=parent)
        # Root must not give away another directory that replaced the new one, so it must be empty.
        if not os.listdir(descriptor):
            _copy_owner(descriptor, os.fstat(parent))
        return descriptor
    finally:
        os.close(parent)


def _copy_owner(descriptor: int, like: os.stat_result) -> None:
    """Set owner and group of a file as in ``like``, if permitted."""
    with suppress(OSError):
        os.fchown(descriptor, like.st_uid, like.st_gid)
