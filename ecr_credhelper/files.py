"""Private folders and files: 0700 and 0600 from their creation, own, never through a symbolic link.

Windows has neither modes nor owners in ``os.stat``; there the profile folder's access list, which
new folders inherit, keeps other people out.

Root keeps nothing below a directory of another user, as with ``sudo -E``: files that belong to root would be
in the way there, and that user could replace a directory with a link while root writes.
"""

import _imp
import os
import stat

PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600
OTHERS = 0o077

MAX_FILE = 128 * 1024
"""Bytes read of one file: a token is 2 to 4 KiB, and the longest login that ``store`` accepts 64 KiB."""

CHECKSUM_KEY = 0x6563722D7079
"""One key for all processes and Python versions: checksums are stored and compared."""

NUMBER_MODULUS = 2**128 - 159
"""A prime: any bytes are a number modulo this, computed without an import."""

ROOT = 0
UNMAPPED = 65534
"""The owner that Linux shows for files of users who are not in this user namespace. Rootless podman runs
helpers as the root of a namespace of its own, where ``/home`` of the real root belongs to this one."""

_hash = getattr(_imp, "source_hash", None)  # an interpreter other than CPython can lack it
_HAS_OWNERS = hasattr(os, "geteuid")
# O_NOFOLLOW: not through a planted link. O_NONBLOCK: a planted pipe must not hold the reader.
READ_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_READ = READ_FLAGS | getattr(os, "O_NOFOLLOW", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def is_private(directory: str) -> bool:
    """Tell whether ``folder`` is a folder of this user's that nobody else can look into."""
    try:
        status = os.lstat(directory)
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(status.st_mode) and _is_own(status) and not _is_open(status)


def make_private(directory: str) -> bool:
    """Create a private directory; return whether it is there now."""
    try:
        ensure_private(directory)
    except OSError:
        return False
    return True


def ensure_private(directory: str) -> None:
    """Create a private directory, with its parents if they are missing.

    The mode of a directory of this user is tightened if it was loosened. A directory of another user is left
    alone, and so is the home directory of another user if this is root.

    Raises:
        OSError: the directory cannot be created, or is not private.

    """
    if foreign_directory(directory):
        raise PermissionError(0, "it is in the home directory of another user", directory)
    try:
        _make(directory)
        status = os.lstat(directory)
    except ValueError as error:  # a null character in the path
        raise OSError(0, str(error), directory) from None
    if stat.S_ISDIR(status.st_mode) and _is_own(status) and _is_open(status):
        os.chmod(directory, PRIVATE_DIRECTORY)
    if not is_private(directory):
        raise PermissionError(0, "it is not a directory of this user", directory)


def foreign_directory(path: str) -> "tuple[str, int] | None":
    """Return the topmost directory of another user on the way to ``path``, and its owner, if this is root.

    For other users return None: they cannot write there, or its owner lets them. Symbolic links count, and
    so do the directories that they lead to. Every directory counts, not only the nearest one that is there:
    the owner of any of them can replace what is below it.
    """
    if not _HAS_OWNERS or os.geteuid() != ROOT:
        return None
    found, above = None, ""
    while path != above:
        for look in (os.lstat, os.stat):
            try:
                owner = look(path).st_uid
            except (OSError, ValueError):
                continue
            found = found if owner in {ROOT, UNMAPPED} else (path, owner)
        path, above = os.path.dirname(path), path
    return found


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
        return read_all(descriptor, MAX_FILE)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def read_all(descriptor: int, limit: int) -> bytes:
    """Return at most ``limit`` bytes of an open file: a network file system can return them in parts."""
    content = b""
    while len(content) < limit and (part := os.read(descriptor, limit - len(content))):
        content += part
    return content


def checksum(content: bytes) -> str:
    """Return a checksum of any bytes, equal in all Python versions; it detects changes, not forgeries.

    This is the 64-bit SipHash with which CPython validates its .pyc files: it needs no import and takes a
    microsecond for 4 KiB.
    """
    return number(content) if _hash is None else _hash(CHECKSUM_KEY, content).hex()


def number(content: bytes) -> str:
    """Return any bytes as a number of 32 hexadecimal digits."""
    return f"{int.from_bytes(content) % NUMBER_MODULUS:032x}"


def is_special(path: str) -> bool:
    """Return whether a path leads to a pipe, a device or a socket: to read it could wait, or never end.

    The null device counts as an empty file: systemd and containers put it in the place of one.
    """
    try:
        status = os.stat(path)
        if stat.S_ISCHR(status.st_mode):
            return status.st_rdev != os.stat(os.devnull).st_rdev
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode)


def write_private(path: str, content: bytes) -> bool:
    """Replace a file atomically; return whether that was possible."""
    try:
        replace_private(path, content)
    except OSError:
        return False
    return True


def replace_private(path: str, content: bytes) -> None:
    """Replace a file atomically: a reader sees the old or the new content, whole.

    Raises:
        OSError: the file cannot be written; the old one is unchanged.

    """
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name[:64]}.{os.urandom(8).hex()}")
    try:
        descriptor = os.open(temporary, _CREATE, PRIVATE_FILE)
    except ValueError as error:  # a null character in the path
        raise OSError(0, str(error), path) from None
    try:
        with open(descriptor, "wb") as file:  # buffered: completes a short write, or raises
            file.write(content)
        os.replace(temporary, path)
    except OSError as error:
        remove(temporary)
        error.filename = path
        raise


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


def _make(directory: str) -> None:
    """Make a folder, if need be with those above it; another process may be making the same ones."""
    above = os.path.dirname(directory)
    if above != directory and not os.path.isdir(above):
        _make(above)
    try:
        os.mkdir(directory, PRIVATE_DIRECTORY)
    except FileExistsError:
        return


def _is_own(status: os.stat_result) -> bool:
    return not _HAS_OWNERS or status.st_uid == os.geteuid()


def _is_open(status: os.stat_result) -> bool:
    return _HAS_OWNERS and bool(status.st_mode & OTHERS)
