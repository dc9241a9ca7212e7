"""Private directories and files: mode 0700 and 0600 from creation, owned by the user, no symbolic links.

On Windows, ``os.stat`` reports neither modes nor owners. There, new directories inherit the access control
list of the user's profile, which excludes other users.

Root writes nothing below a directory of another user, for example with ``sudo -E``. That user could not
replace files owned by root, and could replace a directory with a link while root writes.
"""

import _imp
import os
import stat
import time

PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600
OTHERS = 0o077

MAX_FILE = 128 * 1024
"""Maximum size of a file, in bytes: a token has 2 to 4 KiB, the longest login for ``store`` 64 KiB."""

CHECKSUM_KEY = 0x65637270
"""Key of all checksums: they are stored, so every process and Python version must use the same one.

It fits in the C type ``long``, which has 32 bits on Windows.
"""

NUMBER_MODULUS = 2**128 - 159
"""A prime below 2**128. Reducing bytes modulo a prime gives short names without importing hashlib."""

ROOT = 0
UNMAPPED = 65534
"""The owner that Linux reports for files of users outside the current user namespace.

Rootless podman runs helpers as root of a user namespace, in which ``/home`` has this owner.
"""

REPLACE_AGAIN = (0.001, 0.01, 0.05, 0.1, 0.2) if os.name == "nt" else ()
"""Seconds to wait before each repetition: Windows does not replace a file while it is being read."""

_hash = getattr(_imp, "source_hash", None)  # missing in interpreters other than CPython
HAS_OWNERS = hasattr(os, "geteuid")
"""Whether the system reports owners and modes of files."""

# O_NOFOLLOW rejects a planted link. O_NONBLOCK prevents a planted pipe from blocking the reader.
READ_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_READ = READ_FLAGS | getattr(os, "O_NOFOLLOW", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def is_private(directory: str) -> bool:
    """Return whether a directory is owned by this user and closed to all others."""
    try:
        status = os.lstat(directory)
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(status.st_mode) and _is_own(status) and not _is_open(status)


def make_private(directory: str) -> None:
    """Create a private directory and its missing parents; restore its mode if it exists and is ours.

    Raises:
        OSError: the directory cannot be created, or belongs to another user.

    """
    if foreign_directory(directory):
        raise PermissionError(0, "inside a directory of another user", directory)
    try:
        _make(directory)
        status = os.lstat(directory)
    except ValueError as error:  # a null character in the path
        raise OSError(0, str(error), directory) from None
    if stat.S_ISDIR(status.st_mode) and _is_own(status) and _is_open(status):
        os.chmod(directory, PRIVATE_DIRECTORY)
    if not is_private(directory):
        raise PermissionError(0, "not a directory of this user", directory)


def foreign_directory(path: str) -> "tuple[str, int] | None":
    """Return the topmost directory in ``path`` that belongs to another user, and that user's ID.

    Return None if this process is not root: permissions then decide. At every level, symbolic links and their
    targets are checked too, because the owner of any of these can replace everything below it.
    """
    if not HAS_OWNERS or os.geteuid() != ROOT:
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
    """Return the content of a small regular file of this user, or None."""
    try:
        descriptor = os.open(path, _READ)
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not _is_own(status) or status.st_size > MAX_FILE:
            return None
        return read_all(descriptor, status.st_size)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def read_all(descriptor: int, limit: int) -> bytes:
    """Read at most ``limit`` bytes. A network file system can return them in several parts."""
    content = b""
    while len(content) < limit and (part := os.read(descriptor, limit - len(content))):
        content += part
    return content


def checksum(content: bytes) -> str:
    """Return a checksum, equal in all Python versions. It detects accidental changes only.

    CPython validates .pyc files with the same 64-bit SipHash. It needs no import and takes a microsecond for
    4 KiB.
    """
    return digest(content) if _hash is None else _hash(CHECKSUM_KEY, content).hex()


def digest(content: bytes) -> str:
    """Return 32 hexadecimal digits that depend on all bytes. This is not a cryptographic hash."""
    return f"{int.from_bytes(content) % NUMBER_MODULUS:032x}"


def is_special(path: str) -> bool:
    """Return whether a path is a pipe, a device or a socket, which can block the reader.

    The null device counts as an empty file: systemd and containers mount it over files.
    """
    try:
        status = os.stat(path)
        if stat.S_ISCHR(status.st_mode):
            return status.st_rdev != os.stat(os.devnull).st_rdev
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode)


def write_private(path: str, content: bytes) -> None:
    """Create or replace a file atomically.

    Raises:
        OSError: the file cannot be written; the old one is unchanged.

    """
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name[:64]}.{os.urandom(8).hex()}")
    try:
        descriptor = os.open(temporary, _CREATE, PRIVATE_FILE)
    except ValueError as error:  # a null character in the path
        raise OSError(0, str(error), path) from None
    except OSError as error:
        error.filename = path
        raise
    try:
        with open(descriptor, "wb") as file:  # a buffered file completes short writes or raises
            file.write(content)
        replace(temporary, path)
    except OSError as error:
        remove(temporary)
        error.filename = path
        raise


def replace(new: str, path: str, directory: "int | None" = None) -> None:
    """Rename the file ``new`` to ``path``, and replace the file there; raise OSError if that fails.

    ``directory`` is the descriptor of a directory that both names are relative to.
    """
    for seconds in REPLACE_AGAIN:
        try:
            os.replace(new, path, src_dir_fd=directory, dst_dir_fd=directory)
        except PermissionError:
            time.sleep(seconds)
        else:
            return
    os.replace(new, path, src_dir_fd=directory, dst_dir_fd=directory)


def create_private(path: str) -> bool:
    """Create an empty file; return False if it already exists or cannot be created."""
    try:
        os.close(os.open(path, _CREATE, PRIVATE_FILE))
    except (OSError, ValueError):
        return False
    return True


def remove(path: str) -> None:
    """Remove a file, if possible."""
    try:
        os.unlink(path)
    except (OSError, ValueError):
        return


def _make(directory: str) -> None:
    """Create a directory and its missing parents, while other processes can do the same."""
    above = os.path.dirname(directory)
    if above != directory and not os.path.isdir(above):
        _make(above)
    try:
        os.mkdir(directory, PRIVATE_DIRECTORY)
    except FileExistsError:
        return


def _is_own(status: os.stat_result) -> bool:
    return not HAS_OWNERS or status.st_uid == os.geteuid()


def _is_open(status: os.stat_result) -> bool:
    return HAS_OWNERS and bool(status.st_mode & OTHERS)
