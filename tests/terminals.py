"""Run the executable on a pseudo-terminal."""

from __future__ import annotations

import errno
import os
import subprocess
from typing import NamedTuple

from tests.conftest import EXECUTABLE


class Session(NamedTuple):
    """The exit status of a command, and its output on the terminal."""

    status: int
    screen: str


def run_in_terminal(*argv: str, typed: str = "", env: dict[str, str] | None = None) -> Session:
    """Run the executable with all three standard streams on one terminal, and type a text."""
    import pty  # Windows has no pseudo-terminals.

    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        [EXECUTABLE, *argv],
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "LANG": "C.UTF-8", **(env or {})},
    )
    os.close(other_end)
    os.write(terminal, typed.encode())
    output = b""
    try:
        while chunk := os.read(terminal, 4096):
            output += chunk
    except OSError as error:
        if error.errno != errno.EIO:  # EIO means that the other end is closed.
            raise
    os.close(terminal)
    return Session(process.wait(60), output.decode().replace("\r\n", "\n"))
