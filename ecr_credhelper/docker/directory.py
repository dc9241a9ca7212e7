"""A directory that stays the same one, even if another is put in its place.

Root may be working in the home of a user who replaces files and directories with links at any moment. So a
directory is opened once and used through its descriptor, and owner and mode are set through descriptors,
never by path. Windows has no descriptors of directories, and no owners: there the path is used.
"""

import errno
import os
import stat
from contextlib import suppress
from typing import NamedTuple

from ecr_credhelper.files import PRIVATE_DIRECTORY, PRIVATE_FILE

_HAS_DESCRIPTORS = os.open in os.supports_dir_fd and hasattr(os, "fchown")
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
# O_NONBLOCK: opening a pipe must not wait for its writer.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _BINARY


class NotAFileError(OSError):
    """Something other than a regular file has the name of one."""


class Contents(NamedTuple):
    """What a file holds, and its owner, group and permissions at that moment."""

    data: bytes
    uid: int
    gid: int
    mode: int


def read(path: str, *, follow: bool = True, directory: int | None = None) -> Contents | None:
    """Return the contents of a regular file, or None if there is none; raise OSError if it cannot be read.

    ``follow`` allows ``path`` to be a symbolic link; ``directory`` is the descriptor it is relative to.
    """
    try:
        descriptor = os.open(path, _READ if follow else _READ | _NOFOLLOW, dir_fd=directory)
    except FileNotFoundError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotAFileError(errno.EINVAL, os.strerror(errno.EINVAL))
        with open(descriptor, "rb", closefd=False) as file:
            return Contents(file.read(), status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))
    finally:
        os.close(descriptor)


class Directory:
    """An open directory, created if it is missing, and those above it; to be closed at the end.

    A new directory gets the owner of the one that it is in. The methods take the names of files in the
    directory. What fails raises an OSError.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._descriptor: int | None = None
        if _HAS_DESCRIPTORS:
            self._descriptor = _open(path)
        else:
            os.makedirs(path, exist_ok=True)

    def close(self) -> None:
        """Close it."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def read(self, name: str, *, follow: bool = True) -> Contents | None:
        """Return the contents of a file, or None if there is no such file."""
        return read(self._at(name), follow=follow, directory=self._descriptor)

    def names(self) -> list[str]:
        """Return the names of everything in it."""
        return os.listdir(self.path if self._descriptor is None else self._descriptor)

    def modified(self, name: str) -> float:
        """Return when a file was last written, in seconds since the epoch."""
        return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False).st_mtime

    def create(self, name: str, data: bytes, like: Contents | None) -> None:
        """Create a file that is ``like`` another, or else private, and of the directory's owner."""
        descriptor = os.open(self._at(name), _CREATE, PRIVATE_FILE, dir_fd=self._descriptor)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if self._descriptor is None:
                return
            if like is None:
                _give(descriptor, os.fstat(self._descriptor))
            else:
                os.fchown(descriptor, like.uid, -1)
                with suppress(OSError):  # a group that the owner is not in, as after sudo
                    os.fchown(descriptor, -1, like.gid)
                os.fchmod(descriptor, like.mode)

    def replace(self, new: str, name: str) -> None:
        """Put the file ``new`` in the place of another, or where none is."""
        at = self._descriptor
        os.replace(self._at(new), self._at(name), src_dir_fd=at, dst_dir_fd=at)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(FileNotFoundError):
            os.unlink(self._at(name), dir_fd=self._descriptor)

    def _at(self, name: str) -> str:
        """Return a name as the system wants it: relative to the descriptor, if there is one."""
        return os.path.join(self.path, name) if self._descriptor is None else name


def _open(path: str) -> int:
    """Return the descriptor of a directory, which is created if it is missing."""
    try:
        return os.open(path, _DIRECTORY)
    except FileNotFoundError:
        above, name = os.path.split(path)
    parent = _open(above)
    try:
        with suppress(FileExistsError):  # another process is creating it too
            os.mkdir(name, PRIVATE_DIRECTORY, dir_fd=parent)
        descriptor = os.open(name, _DIRECTORY | _NOFOLLOW, dir_fd=parent)
        # Not one with files: root must not give away a directory that was put in the new one's place.
        if not os.listdir(descriptor):
            _give(descriptor, os.fstat(parent))
        return descriptor
    finally:
        os.close(parent)


def _give(descriptor: int, like: os.stat_result) -> None:
    """Give a file to the owner of another, if that is possible: only root can."""
    with suppress(OSError):
        os.fchown(descriptor, like.st_uid, like.st_gid)
