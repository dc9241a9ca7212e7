"""A person's terminal: plain text that reads well, colour and questions only where there is somebody.

Results go to standard output; hints, progress and questions to standard error, so that a script which
takes the output gets nothing else.
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
CLEAR_LINE = "\r\x1b[K"
OUR_CODES = re.compile(rf"(\x1b\[(?:0|{'|'.join(map(str, STYLES.values()))})m)")

open_prompts: "list[Callable[[], None]]" = []
"""Open ones, without echo: what gives the terminal back as it was."""

active_progress: "list[Terminal]" = []
"""Who shows its progress."""


class Terminal:
    """Standard streams, as a command uses them; any of them may be missing, as under pythonw."""

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
            if hasattr(stream, "reconfigure"):  # a character that cannot be shown is no reason to fail
                with suppress(OSError):  # of what could not be written before
                    stream.reconfigure(errors="replace")
        self._is_plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") in {None, "", "dumb"}
        self._is_lost = False

    @property
    def shows_output(self) -> bool:
        """Whether a person sees standard output."""
        return _is_terminal(self._stdout)

    @property
    def is_interactive(self) -> bool:
        """Whether there is somebody to ask."""
        return _is_terminal(self._stdin) and _is_terminal(self._stderr)

    def print(self, text: str = "") -> None:
        """Write a line of the result."""
        self._write_result(f"{self._clean(text)}\n")

    def write_raw(self, text: str) -> None:
        """Write a result as it is, for a program that waits for it."""
        self._write_result(f"{text}\n")

    def flush(self) -> bool:
        """Write what others have printed; tell whether all of the result could be written."""
        self._write(self._stdout, "")
        return not self._is_lost

    def on_write_error(self, error: OSError) -> None:
        """Tell that the result cannot be written, unless its reader has gone; the command goes on."""
        self._stdout, self._is_lost = None, True
        if not isinstance(error, BrokenPipeError):
            self.warn(f"{PROG}: standard output cannot be written ({error.strerror})")

    def warn(self, text: str) -> None:
        """Write a line beside the result: a hint, a warning, an error."""
        self.clear()
        self._write(self._stderr, f"{self._clean(text)}\n")

    def ask(self, question: str) -> bool:
        """Ask for a yes; no is the default, and taken where nobody can be asked or sees what it is about."""
        if not self.is_interactive or self._is_lost or self._stdout is None:
            return False
        self.clear()
        self._write(self._stderr, f"{self._clean(question)} [y/N] ")
        answer = ""
        try:
            answer = self._stdin.readline() if self._stdin else ""
        finally:
            if not answer.endswith("\n"):  # Ctrl-C and Ctrl-D leave the line open
                self._write(self._stderr, "\n")
        return answer.strip().lower() in {"y", "yes"}

    def progress(self, text: str) -> None:
        """Show what is being done, on a terminal, until the next line is written or a question asked."""
        if _is_terminal(self._stderr) and not self._is_plain and not open_prompts:
            self.clear()
            active_progress.append(self)
            self._write(self._stderr, self._clean(text))

    def clear(self) -> None:
        """End what is shown of progress, and a question without echo: its answer comes too late."""
        restore_terminal()
        if active_progress:
            active_progress.clear()
            self._write(self._stderr, CLEAR_LINE)

    def styled(self, text: str, style: str) -> str:
        """Return a text for standard output in a style of ``STYLES``, where that is wanted."""
        if self._is_plain or not self.shows_output:
            return text
        text = clean(text)
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m"

    def mark(self, kind: str) -> str:
        """Return the mark of ``ok``, ``warning`` or ``failure``, in what the output can show."""
        mark, plain, style = MARKS[kind]
        try:
            mark.encode(getattr(self._stdout, "encoding", None) or "ascii")
        except (UnicodeEncodeError, LookupError):
            mark = plain
        return self.styled(mark, style)

    def table(self, head: "Sequence[str]", rows: "Sequence[Sequence[str]]") -> None:
        """Write rows of cells under a head, each column as wide as it must be."""
        rows = [[clean(cell) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        for number, row in enumerate((head, *rows)):
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            self.print(self.styled(line, "bold") if number == 0 else line)

    def _clean(self, text: str) -> str:
        """Return a line without control characters, but those of ``styled``."""
        if self._is_plain or not self.shows_output:
            return clean(text)
        return "".join(part if OUR_CODES.fullmatch(part) else clean(part) for part in OUR_CODES.split(text))

    def _write_result(self, text: str) -> None:
        if self._stdout is None and not self._is_lost:
            self.on_write_error(OSError(errno.EBADF, os.strerror(errno.EBADF)))
        self.clear()
        self._write(self._stdout, text)

    def _write(self, stream: TextIO | None, text: str) -> None:
        try:
            if stream:
                stream.write(text)
                stream.flush()
        except OSError as error:
            if stream is self._stdout:  # else nobody is left to tell
                self.on_write_error(error)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def clean(text: str) -> str:
    """Return a text, which may be a file's, without what would steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


@contextmanager
def asking(terminal: int) -> "Iterator[None]":
    """Let a question without echo be open on a terminal, which gets its echo back however that ends."""
    import termios

    def end() -> None:
        with suppress(OSError, termios.error):
            termios.tcsetattr(terminal, termios.TCSAFLUSH, state)
            os.write(terminal, b"\n")

    for busy in active_progress[:]:
        busy.clear()
    with suppress(termios.error):
        state = termios.tcgetattr(terminal)
        if state[3] & termios.ECHO:  # else another question is open, which knows what to give back
            open_prompts.append(end)
            atexit.register(restore_terminal)
    try:
        yield
    finally:
        with suppress(ValueError):  # it may be over
            open_prompts.remove(end)


def restore_terminal() -> None:
    """Give the terminal its echo back, where a question is open that nobody waits for any more."""
    while open_prompts:
        open_prompts.pop()()
