"""The user's terminal: plain text, with colour and prompts only if the streams are a terminal.

Results go to standard output. Hints, progress and prompts go to standard error, so that scripts read only the
result.
"""

import atexit
import errno
import os
import re
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from ecr_credhelper.errors import PROG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

STYLES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33}
"""https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters"""

MARKS = {
    # kind: UTF-8, ASCII, style
    "ok": ("✓", "ok", "green"),
    "warning": ("!", "!!", "yellow"),
    "failure": ("✗", "XX", "red"),
}
CONTROLLING_TERMINAL = "/dev/tty"
CLEAR_LINE = "\r\x1b[K"
CODES = re.compile(rf"(\x1b\[(?:0|{'|'.join(map(str, STYLES.values()))})m)")

open_prompts: "list[Callable[[], None]]" = []
"""Open prompts without echo: for each, the function that restores the terminal."""

active_progress: "list[Terminal]" = []
"""The terminals that are showing progress."""


class Terminal:
    """The standard streams of a command; each of them can be missing, for example under pythonw."""

    def __init__(
        self,
        environ: "Mapping[str, str]",
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        self._stdin = stdin or sys.stdin
        self._stdout = stdout or sys.stdout
        self._stderr = stderr or sys.stderr
        for stream in (self._stdin, self._stdout, self._stderr):
            if hasattr(stream, "reconfigure"):  # Characters that the encoding lacks must not cause an error.
                with suppress(OSError):  # Reconfiguring flushes the stream, which can fail.
                    stream.reconfigure(errors="replace")
        self._is_plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") in {None, "", "dumb"}
        self._has_failed = False

    @property
    def shows_output(self) -> bool:
        """Whether standard output is a terminal."""
        return _is_terminal(self._stdout)

    @property
    def is_interactive(self) -> bool:
        """Whether the user can be asked."""
        return _is_terminal(self._stdin) and _is_terminal(self._stderr)

    def print(self, text: str = "") -> None:
        """Write a line of the result."""
        self._write_result(f"{self._clean(text)}\n")

    def write_raw(self, text: str) -> None:
        """Write a result for a program, without removing control characters."""
        self._write_result(f"{text}\n")

    def flush(self) -> bool:
        """Flush standard output; return whether the complete result has been written."""
        self._write(self._stdout, "")
        return not self._has_failed

    def on_write_error(self, error: OSError) -> None:
        """Warn that the result cannot be written, unless its reader has exited; the command continues."""
        self._stdout, self._has_failed = None, True
        if not isinstance(error, BrokenPipeError):
            self.warn(f"{PROG}: standard output cannot be written ({error.strerror})")

    def warn(self, text: str) -> None:
        """Write a hint, a warning or an error."""
        self.clear()
        self._write(self._stderr, f"{self._clean(text)}\n")

    def ask(self, question: str) -> bool:
        """Return whether the user answers yes; False if the user cannot be asked or cannot see the output."""
        answer = self.prompt(f"{question} [y/N]")
        return answer is not None and answer.lower() in {"y", "yes"}

    def prompt(self, question: str) -> str | None:
        """Return the line that the user enters; None after Ctrl-D or if the user cannot be asked."""
        if not self.is_interactive or self._has_failed or self._stdout is None:
            return None
        self.clear()
        self._write(self._stderr, f"{self._clean(question)} ")
        answer = ""
        try:
            answer = self._stdin.readline() if self._stdin else ""
        finally:
            if not answer.endswith("\n"):  # Ctrl-C and Ctrl-D do not end the line.
                self._write(self._stderr, "\n")
        return answer.strip() if answer else None

    def progress(self, text: str) -> None:
        """Show progress on a terminal until the next output or prompt."""
        if _is_terminal(self._stderr) and not self._is_plain and not open_prompts:
            self.clear()
            active_progress.append(self)
            self._write(self._stderr, self._clean(text))

    def clear(self) -> None:
        """Remove the progress, and end open prompts, because it is too late to answer them."""
        restore_terminal()
        if active_progress:
            active_progress.clear()
            self._write(self._stderr, CLEAR_LINE)

    def styled(self, text: str, style: str) -> str:
        """Return a text for standard output in one of ``STYLES``, or unchanged if colour is off."""
        if self._is_plain or not self.shows_output:
            return text
        text = clean(text)
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m"

    def mark(self, kind: str) -> str:
        """Return the mark for ``ok``, ``warning`` or ``failure`` that the output can encode."""
        mark, plain, style = MARKS[kind]
        try:
            mark.encode(getattr(self._stdout, "encoding", None) or "ascii")
        except (UnicodeEncodeError, LookupError):
            mark = plain
        return self.styled(mark, style)

    def short_path(self, path: str) -> str:
        """Return a path with ``~`` for the home directory on a terminal, and unchanged in a pipe."""
        home = os.path.expanduser("~")
        is_inside = path == home or path.startswith(os.path.join(home, ""))
        return f"~{path[len(home) :]}" if self.shows_output and is_inside else path

    def table(self, head: "Sequence[str]", rows: "Sequence[Sequence[str]]") -> None:
        """Write rows below a head, with each column as wide as its longest cell."""
        rows = [[clean(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        title, *lines = (
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in (head, *rows)
        )
        self._write_result("\n".join([self.styled(title, "bold"), *lines, ""]))

    def _clean(self, text: str) -> str:
        """Return a line without control characters, except those from ``styled``."""
        if self._is_plain or not self.shows_output:
            return clean(text)
        return "".join(part if CODES.fullmatch(part) else clean(part) for part in CODES.split(text))

    def _write_result(self, text: str) -> None:
        if self._stdout is None and not self._has_failed:
            self.on_write_error(OSError(errno.EBADF, os.strerror(errno.EBADF)))
        self.clear()
        self._write(self._stdout, text)

    def _write(self, stream: TextIO | None, text: str) -> None:
        try:
            if stream:
                stream.write(text)
                stream.flush()
        except OSError as error:
            if stream is self._stdout:
                self.on_write_error(error)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def clean(text: str) -> str:
    """Return a text with control characters replaced, because texts from files could control the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


@contextmanager
def prompt_without_echo(terminal: int) -> "Iterator[None]":
    """Register a prompt that turns the echo of a terminal off, so that ``restore_terminal`` can end it."""
    import termios

    def restore() -> None:
        with suppress(OSError, termios.error):
            termios.tcsetattr(terminal, termios.TCSAFLUSH, state)
            os.write(terminal, b"\n")

    for busy in active_progress[:]:
        busy.clear()
    with suppress(termios.error):
        state = termios.tcgetattr(terminal)
        if state[3] & termios.ECHO:  # Otherwise another prompt is open, which restores the echo.
            open_prompts.append(restore)
            atexit.register(restore_terminal)
    try:
        yield
    finally:
        with suppress(ValueError):  # restore_terminal can have removed it.
            open_prompts.remove(restore)


def restore_terminal() -> None:
    """Turn the echo of the terminal on again if a prompt is still open."""
    while open_prompts:
        open_prompts.pop()()


def terminal_restorer() -> "Callable[[], None]":
    """Return a function that restores the state that the controlling terminal has now.

    A program that is killed during a prompt leaves the terminal without echo.
    """
    try:
        import termios

        with open(CONTROLLING_TERMINAL, "rb", 0) as terminal:
            before = termios.tcgetattr(terminal)
    except (ImportError, OSError):  # Windows, or no terminal
        return lambda: None
    if not before[3] & termios.ECHO:  # A prompt is open, which restores the echo.
        return lambda: None

    def restore() -> None:
        with suppress(OSError, termios.error), open(CONTROLLING_TERMINAL, "rb", 0) as terminal:
            # In the background, the terminal is not ours, and changing it would stop this process.
            is_ours = os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
            if is_ours and termios.tcgetattr(terminal) != before:
                termios.tcsetattr(terminal, termios.TCSAFLUSH, before)

    return restore
