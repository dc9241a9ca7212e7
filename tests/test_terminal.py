"""A person's terminal: streams, marks, colours, tables, questions."""

from __future__ import annotations

import io
import os

import pytest

from ecr_credhelper.terminal import CLEAR_LINE, MARKS, Terminal


class Stream(io.StringIO):
    """Text that a terminal would show, or not."""

    def __init__(self, text: str = "", *, is_terminal: bool = True, encoding: str = "utf-8") -> None:
        super().__init__(text)
        self._is_terminal = is_terminal
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override] # of a stream that is a terminal's
        return self._encoding

    def isatty(self) -> bool:
        return self._is_terminal


class Screen:
    """A terminal, and what is on it."""

    def __init__(
        self, typed: str = "", *, encoding: str = "utf-8", is_terminal: bool = True, **environ: str
    ) -> None:
        self.stdout = Stream(is_terminal=is_terminal, encoding=encoding)
        self.stderr = Stream(is_terminal=is_terminal)
        stdin = Stream(typed, is_terminal=is_terminal)
        self.terminal = Terminal({"TERM": "xterm", **environ}, stdin, self.stdout, self.stderr)


def test_results_and_remarks_go_different_ways() -> None:
    screen = Screen()
    screen.terminal.say("result")
    screen.terminal.say()
    screen.terminal.note("remark")
    assert screen.stdout.getvalue() == "result\n\n"
    assert screen.stderr.getvalue() == "remark\n"


@pytest.mark.parametrize(("typed", "answer"), [
    ("y\n", True), ("Yes\n", True), ("n\n", False), ("\n", False), ("", False), ("yy\n", False),
])  # fmt: skip
def test_only_a_yes_is_a_yes(typed: str, answer: bool) -> None:
    screen = Screen(typed)
    assert screen.terminal.ask("Really?") is answer
    assert screen.stderr.getvalue() == "Really? [y/N] "


def test_where_nobody_can_be_asked_the_answer_is_no() -> None:
    screen = Screen("y\n", is_terminal=False)
    assert not screen.terminal.ask("Really?")
    assert screen.stderr.getvalue() == ""


@pytest.mark.parametrize(("environ", "is_terminal"), [
    ({"NO_COLOR": "1"}, True), ({"TERM": "dumb"}, True), ({"TERM": ""}, True), ({}, False),
])  # fmt: skip
def test_there_is_no_colour_where_it_is_not_wanted(environ: dict[str, str], is_terminal: bool) -> None:
    screen = Screen(is_terminal=is_terminal, **environ)
    assert screen.terminal.styled("text", "red") == "text"
    assert screen.terminal.mark("ok") == "✓"


def test_on_a_terminal_there_is() -> None:
    assert Screen().terminal.styled("text", "red") == "\x1b[31mtext\x1b[0m"


@pytest.mark.parametrize("kind", MARKS)
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "no-such-encoding"])
def test_a_mark_can_be_shown_everywhere(kind: str, encoding: str) -> None:
    screen = Screen(encoding=encoding, NO_COLOR="1")
    assert screen.terminal.mark(kind) in {
        MARKS[kind][1],
        MARKS[kind][0] if MARKS[kind][0].isascii() else None,
    }


def test_columns_are_as_wide_as_they_must_be() -> None:
    screen = Screen(NO_COLOR="1")
    screen.terminal.table(("A", "LONG", ""), [("1", "2", "note"), ("three", "4", "")])
    assert screen.stdout.getvalue().splitlines() == ["A      LONG", "1      2     note", "three  4"]


def test_progress_is_gone_when_something_is_said() -> None:
    screen = Screen()
    screen.terminal.progress("asking AWS …")
    screen.terminal.progress("asking the registry …")
    screen.terminal.say("done")
    asked = f"asking AWS …{CLEAR_LINE}asking the registry …{CLEAR_LINE}"
    assert (screen.stderr.getvalue(), screen.stdout.getvalue()) == (asked, "done\n")


@pytest.mark.parametrize(("is_terminal", "environ"), [(False, {}), (True, {"TERM": "dumb"})])
def test_progress_is_for_terminals(is_terminal: bool, environ: dict[str, str]) -> None:
    screen = Screen(is_terminal=is_terminal, **environ)
    screen.terminal.progress("asking …")
    assert screen.stderr.getvalue() == ""


def test_a_process_without_streams_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(f"sys.{name}", None)
    terminal = Terminal({})
    terminal.say("x")
    assert not terminal.ask("x?")
    assert not terminal.shows_output
    assert terminal.mark("ok") == "ok"


def test_a_character_that_cannot_be_shown_is_replaced() -> None:
    raw = io.BytesIO()
    terminal = Terminal({}, io.StringIO(), io.TextIOWrapper(raw, "ascii"), io.StringIO())
    terminal.say("a…b")
    assert raw.getvalue() == f"a?b{os.linesep}".encode()
