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

from ecr_credhelper.files import PRIVATE_FILE

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 1024 * 1024
"""A log file that has grown to this is kept as ``FILE.1``, and a new one begun: two of them at most."""

USER = re.compile(r"(?<=://)[^/\s]*@")
QUERY = re.compile(r"\?[^\s'\"]*")


def open_log(where: str) -> "Callable[[str], None]":
    """Return a function that writes a line to where ``ECR_CREDHELPER_LOG`` says; it never fails."""
    started, where = time.monotonic(), os.path.expanduser(where)

    def write(text: str) -> None:
        line = " ".join(redacted(text).split())
        line = f"docker-credential-ecr-py[{os.getpid()}] {time.monotonic() - started:7.3f} {line}\n"
        try:
            if os.path.isabs(where):
                _append(where, line.encode("utf-8", "replace"))
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
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    if os.path.exists(path) and os.path.getsize(path) > MAX_BYTES:
        os.replace(path, f"{path}.1")
    with open(os.open(path, flags, PRIVATE_FILE), "ab", 0) as file:
        file.write(line)
