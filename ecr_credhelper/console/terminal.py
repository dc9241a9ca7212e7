"""The user's terminal: plain text, with colour and prompts only if the streams are a terminal.

Results go to standard output. Hints, progress and prompts go to standard error, so that scripts read only the
result.
"""

import errno
import os
import re
import shutil
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from ecr_credhelper.console import layout
from ecr_credhelper.console.prompts import active_progress, open_prompts, restore_terminal
from ecr_credhelper.errors import PROG

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

STYLES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33}
"""https://en.wikipedia.org/wiki/ANSI_escape_code#Select_Graphic_Rendition_parameters"""

MARKS = {
    # kind: UTF-8, ASCII, style
    "ok": ("✓", "ok", "green"),
    "note": ("·", "--", "dim"),
    "warning": ("!", "!!", "yellow"),
    "failure": ("✗", "XX", "red"),
}
CLEAR_LINE = "\r\x1b[K"
FORCE_COLOR = ("FORCE_COLOR", "CLICOLOR_FORCE")
"""Variables that turn colour on without a terminal, unless they are empty or 0: https://force-color.org and
https://bixense.com/clicolors. NO_COLOR takes precedence, as in Python: https://no-color.org"""

CODES = re.compile(rf"(\x1b\[(?:0|{'|'.join(map(str, STYLES.values()))})m)")


class Terminal:
    """The standard streams of a command; each of them can be missing, for example under pythonw."""

    def __init__(
        self,
        environ: "Mapping[str, str]",
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        platform: str = sys.platform,
    ) -> None:
        self._stdin = stdin or sys.stdin
        self._stdout = stdout or sys.stdout
        self._stderr = stderr or sys.stderr
        if platform == "win32" and not environ.get("PYTHONIOENCODING"):
            _use_utf8_and_line_feeds(self._stdout, self._stderr)
        for stream in (self._stdin, self._stdout, self._stderr):
            if hasattr(stream, "reconfigure"):  # Characters that the encoding lacks must not cause an error.
                with suppress(OSError):  # Reconfiguring flushes the stream, which can fail.
                    stream.reconfigure(errors="replace")
        self._is_plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") in {None, "", "dumb"}
        is_forced = any(environ.get(name) not in {None, "", "0"} for name in FORCE_COLOR)
        self._is_colour_forced = is_forced and not environ.get("NO_COLOR")
        self._has_failed = False

    @property
    def shows_output(self) -> bool:
        """Whether standard output is a terminal."""
        return _is_terminal(self._stdout)

    @property
    def width(self) -> int | None:
        """The number of columns of standard output, or None if it is not a terminal.

        COLUMNS overrides the width of the terminal.
        """
        return shutil.get_terminal_size().columns if self.shows_output else None

    @property
    def is_interactive(self) -> bool:
        """Whether the user can be asked."""
        return _is_terminal(self._stdin) and _is_terminal(self._stderr)

    def print(self, text: str = "") -> None:
        """Write a line of the result."""
        self._write_result(f"{self._clean(text, self._stdout)}\n")

    def field(self, name: str, text: str) -> None:
        """Write a line of the result that starts with a name, padded by the caller."""
        self._print_hanging(f"{name}  ", len(name) + 2, text)

    def item(self, kind: str, text: str, hint: str = "", name: str = "") -> None:
        """Write a line of the result that starts with a mark and an optional name, and below it a hint."""
        name = f"{name}  " if name else ""
        indent = len(self._mark(kind)) + 1 + len(name)
        self._print_hanging(f"{self.mark(kind)} {name}", indent, text)
        if hint:
            style = "dim" if kind in {"ok", "note"} else "bold"
            self._print_hanging(" " * indent, indent, hint, style)

    def paragraph(self, text: str, style: str = "") -> None:
        """Write a text as a line of the result; wrap it on a terminal if it is too wide."""
        for line in self._wrapped(text):
            self.print(self.styled(line, style) if style else line)

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
        self._write(self._stderr, f"{self._clean(text, self._stderr)}\n")

    def warning(self, text: str) -> None:
        """Write a warning with its mark; wrap it and show ``~`` for the home directory on a terminal."""
        self.marked("warning", text)

    def marked(self, kind: str, text: str, hint: str = "") -> None:
        """Write a result (``ok``) or a warning that starts with a mark, and below it a hint.

        On a terminal, they are wrapped only if they are too wide, so that texts can be aligned.
        """
        write, mark = self.print if kind == "ok" else self.warn, self._mark(kind)
        lines = self._wrapped(f"{mark} {text}") + (self._wrapped(f"  {hint}") if hint else [])
        write(f"{self.mark(kind)}{lines[0].removeprefix(mark)}")
        for line in lines[1:]:
            write(line)

    def ask(self, question: str) -> bool:
        """Return whether the user answers yes; False if the user cannot be asked or cannot see the output."""
        answer = self.prompt(f"{question} [y/N]")
        return answer is not None and answer.lower() in {"y", "yes"}

    def prompt(self, question: str) -> str | None:
        """Return the line that the user enters; None after Ctrl-D or if the user cannot be asked."""
        if not self.is_interactive or self._has_failed or self._stdout is None:
            return None
        self.clear()
        *lines, last = self._wrapped(question)
        for line in lines:
            self.warn(line)
        self._write(self._stderr, f"{self._clean(last, self._stderr)} ")
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
            self._write(self._stderr, self._clean(text, self._stderr))

    def clear(self) -> None:
        """Remove the progress, and end open prompts, because it is too late to answer them."""
        restore_terminal()
        if active_progress:
            active_progress.clear()
            self._write(self._stderr, CLEAR_LINE)

    def styled(self, text: str, style: str) -> str:
        """Return a text for standard output in one of ``STYLES``, or unchanged if colour is off."""
        if not self._has_colour(self._stdout):
            return text
        text = clean(text)
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m"

    def mark(self, kind: str) -> str:
        """Return the mark of one of ``MARKS`` that standard output can encode."""
        return self.styled(self._mark(kind), MARKS[kind][2])

    def short_path(self, path: str) -> str:
        """Return a path with ``~`` for the home directory on a terminal, and unchanged in a pipe."""
        return layout.with_tilde(path, os.path.expanduser("~")) if self.shows_output else path

    def table(
        self, head: "Sequence[str]", rows: "Sequence[Sequence[str]]", shortened: "Collection[str]" = ()
    ) -> None:
        """Write rows below a head; on a terminal, shorten the columns with these titles if necessary."""
        rows = [[clean(cell) for cell in row] for row in rows]
        ellipsis = self._encodable("…", "...")
        titles, *others = layout.table(head, rows, self.width, shortened, ellipsis)
        lines = [*(self.styled(title, "bold") for title in titles), *(line for row in others for line in row)]
        self._write_result("\n".join([*lines, ""]))

    def _wrapped(self, text: str) -> list[str]:
        """Return the lines of a text on a terminal; those after the first one start with more blanks."""
        text = clean(text)
        if (width := self.width) is None:
            return [text]
        text = layout.with_tilde(text, os.path.expanduser("~"))
        if len(text) <= width:
            return [text]
        start = text[: len(text) - len(text[1:].lstrip())] if text[:1] in " +-" else ""
        indent = len(start) + 2
        return f"{start}{layout.wrap(text[len(start) :], width, indent)}".split("\n")

    def _print_hanging(self, start: str, indent: int, text: str, style: str = "") -> None:
        """Write a text after ``start``, which takes ``indent`` columns; wrap it on a terminal."""
        text = clean(text)
        if width := self.width:
            text = layout.wrap(layout.with_tilde(text, os.path.expanduser("~")), width, indent)
        lines = [self.styled(line, style) if style else line for line in text.split("\n")]
        for number, line in enumerate(lines):
            self.print(f"{'' if number else start}{line}")

    def _mark(self, kind: str) -> str:
        mark, plain, _ = MARKS[kind]
        return self._encodable(mark, plain)

    def _encodable(self, text: str, plain: str) -> str:
        """Return a text, or ``plain`` if the encoding of standard output lacks its characters."""
        try:
            text.encode(getattr(self._stdout, "encoding", None) or "ascii")
        except (UnicodeEncodeError, LookupError):
            return plain
        return text

    def _has_colour(self, stream: TextIO | None) -> bool:
        return self._is_colour_forced or (not self._is_plain and _is_terminal(stream))

    def _clean(self, text: str, stream: TextIO | None) -> str:
        """Return a line without control characters, except those from ``styled`` if the stream has colour."""
        parts = CODES.split(text)
        if not self._has_colour(stream):
            return "".join(clean(part) for part in parts if not CODES.fullmatch(part))
        return "".join(part if CODES.fullmatch(part) else clean(part) for part in parts)

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


def _use_utf8_and_line_feeds(*streams: TextIO | None) -> None:
    """Write UTF-8 and line feeds into pipes and files, like the replies of the protocol.

    Python on Windows writes them in the ANSI code page and with carriage returns, which break the completion
    script in bash.
    """
    for stream in streams:
        if stream and hasattr(stream, "reconfigure") and not stream.isatty():
            with suppress(OSError):  # Reconfiguring flushes the stream, which can fail.
                stream.reconfigure(encoding="utf-8", newline="\n")


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def clean(text: str) -> str:
    """Return a text with control characters replaced, because texts from files could control the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
