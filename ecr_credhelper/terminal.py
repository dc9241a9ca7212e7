"""A person's terminal: plain text that reads well, colour and questions only where there is somebody.

Results go to standard output; hints, progress and questions to standard error, so that a script which
takes the output gets nothing else.
"""

import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STYLES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33}
"""https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters"""

MARKS = {
    # kind: UTF-8, ASCII, style
    "ok": ("✓", "ok", "green"),
    "warning": ("!", "!!", "yellow"),
    "failure": ("✗", "XX", "red"),
}
CLEAR_LINE = "\r\x1b[K"


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
        for stream in (self._stdout, self._stderr):
            if hasattr(stream, "reconfigure"):  # a host name that cannot be shown is no reason to fail
                stream.reconfigure(errors="replace")
        self._is_plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") in {None, "", "dumb"}
        self._progress = ""

    @property
    def shows_output(self) -> bool:
        """Whether a person sees standard output."""
        return _is_terminal(self._stdout)

    @property
    def is_interactive(self) -> bool:
        """Whether there is somebody to ask."""
        return _is_terminal(self._stdin) and _is_terminal(self._stderr)

    def say(self, text: str = "") -> None:
        """Write a line of the result."""
        self._clear_progress()
        self._write(self._stdout, f"{text}\n")

    def note(self, text: str) -> None:
        """Write a line beside the result: a hint, a warning, an error."""
        self._clear_progress()
        self._write(self._stderr, f"{text}\n")

    def ask(self, question: str) -> bool:
        """Ask for a yes; no is the default, and what is taken where nobody can be asked."""
        if not self.is_interactive:
            return False
        self._clear_progress()
        self._write(self._stderr, f"{question} [y/N] ")
        return bool(self._stdin) and self._stdin.readline().strip().lower() in {"y", "yes"}

    def progress(self, text: str) -> None:
        """Show what is being done, on a terminal, until the next line is written."""
        if _is_terminal(self._stderr) and not self._is_plain:
            self._clear_progress()
            self._progress = text
            self._write(self._stderr, text)

    def styled(self, text: str, style: str) -> str:
        """Return a text for standard output in a style of ``STYLES``, where that is wanted."""
        if self._is_plain or not self.shows_output:
            return text
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
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        for number, row in enumerate((head, *rows)):
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            self.say(self.styled(line, "bold") if number == 0 else line)

    def _clear_progress(self) -> None:
        if self._progress:
            self._progress = ""
            self._write(self._stderr, CLEAR_LINE)

    @staticmethod
    def _write(stream: TextIO | None, text: str) -> None:
        if stream:
            stream.write(text)
            stream.flush()


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()
