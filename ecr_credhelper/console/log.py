"""A log, on request: what was decided and why, a line each, with the seconds since the start.

``ECR_CREDHELPER_LOG`` is ``debug`` for standard error, or the absolute path of a file. Callers pass names,
hosts, keys of records and times, never a password; what of those may hold a secret all the same (the user
and the query of a URL) is taken out here.
"""

import os
import re
import sys
import time
from typing import TYPE_CHECKING

from ecr_credhelper.errors import PROG, ConfigurationError
from ecr_credhelper.files import PRIVATE_FILE, is_special

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 1024 * 1024
"""A log file that has grown to this is kept as ``FILE.1``, and a new one begun: two of them at most."""

VARIABLE = "ECR_CREDHELPER_LOG"
DESTINATION = re.compile(r"debug|(?!/dev/(fd|std)|/proc/)([/~]|\w:[/\\]).+")
"""Standard error, or the absolute path of a file. A stream of this process is ``debug`` or none."""

USER = re.compile(r"(?<=://)[^/\s]*@")
QUERY = re.compile(r"\?[^\s'\"]*")


def check_variable(where: str) -> None:
    """Raise ConfigurationError if ``ECR_CREDHELPER_LOG`` has a value that names no place for a log."""
    if not is_destination(where):
        reason = f"{redacted(repr(where))} is no place for a log"
        raise ConfigurationError(VARIABLE, reason, 'set it to "debug" or the absolute path of a file')


def is_destination(where: str) -> bool:
    """Return whether a log can be written there: to standard error, or to a file that need not exist yet."""
    is_form = DESTINATION.fullmatch(where) and where.isprintable()
    return bool(is_form) and not is_special(os.path.expanduser(where))


def open_log(where: str) -> "Callable[[str], None]":
    """Return a function that writes a line to a destination; it never fails."""
    started, path = time.monotonic(), os.path.expanduser(where)

    def write(text: str) -> None:
        line = " ".join(redacted(text).split())
        line = f"{PROG}[{os.getpid()}] {time.monotonic() - started:7.3f} {line}\n"
        try:
            if where != "debug":
                _append(path, line.encode("utf-8", "replace"))
            elif sys.stderr:
                sys.stderr.write(line)
                sys.stderr.flush()
        except (OSError, ValueError):
            return  # an answer does not depend on its log

    return write


def redacted(text: str) -> str:
    """Return a text without the users and queries of its URLs."""
    return QUERY.sub("?…", USER.sub("…@", text))


def _append(path: str, line: bytes) -> None:
    if not os.path.isabs(path):  # there is no home directory, and the working directory is not ours
        return
    # O_NONBLOCK: a pipe without a reader must not hold the writer.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if os.path.exists(path) and os.path.getsize(path) > MAX_BYTES:
        os.replace(path, f"{path}.1")
    with open(os.open(path, flags, PRIVATE_FILE), "ab", 0) as file:
        file.write(line)
