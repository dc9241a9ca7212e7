"""The terminal: streams, marks, colours, tables and prompts."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Never

import pytest

from ecr_credhelper.console import prompts
from ecr_credhelper.console.terminal import CLEAR_LINE, MARKS, Terminal


class Stream(io.StringIO):
    """A stream that is a terminal or not."""

    def __init__(self, text: str = "", *, is_terminal: bool = True, encoding: str = "utf-8") -> None:
        super().__init__(text)
        self._is_terminal = is_terminal
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override] # a property here
        return self._encoding

    def isatty(self) -> bool:
        return self._is_terminal


class Screen:
    """A terminal whose streams can be read."""

    def __init__(
        self, typed: str = "", *, encoding: str = "utf-8", is_terminal: bool = True, **environ: str
    ) -> None:
        self.stdout = Stream(is_terminal=is_terminal, encoding=encoding)
        self.stderr = Stream(is_terminal=is_terminal)
        stdin = Stream(typed, is_terminal=is_terminal)
        self.terminal = Terminal({"TERM": "xterm", **environ}, stdin, self.stdout, self.stderr)


def test_results_and_warnings_go_to_different_streams() -> None:
    screen = Screen()
    screen.terminal.print("result")
    screen.terminal.print()
    screen.terminal.warn("warning")
    assert screen.stdout.getvalue() == "result\n\n"
    assert screen.stderr.getvalue() == "warning\n"


@pytest.mark.parametrize(("typed", "answer"), [
    ("y\n", True), ("Yes\n", True), ("n\n", False), ("\n", False), ("", False), ("yy\n", False),
])  # fmt: skip
def test_only_yes_counts_as_yes(typed: str, answer: bool) -> None:
    screen = Screen(typed)
    assert screen.terminal.ask("Really?") is answer
    assert screen.stderr.getvalue() == "Really? [y/N] " + ("" if typed else "\n"), (
        "Ctrl-D leaves the line open"
    )


def test_ctrl_c_at_a_prompt_ends_the_line() -> None:
    class Interrupted(Stream):
        def readline(self, *_: object) -> Never:
            raise KeyboardInterrupt

    stderr = Stream()
    with pytest.raises(KeyboardInterrupt):
        Terminal({}, Interrupted(), Stream(), stderr).ask("Really?")
    assert stderr.getvalue() == "Really? [y/N] \n"


def test_ask_returns_false_without_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert not Terminal({}, Stream("y\n"), None, Stream()).ask("Really?")


def test_ask_returns_false_without_a_terminal() -> None:
    screen = Screen("y\n", is_terminal=False)
    assert not screen.terminal.ask("Really?")
    assert screen.stderr.getvalue() == ""


@pytest.mark.parametrize(("environ", "is_terminal"), [
    ({"NO_COLOR": "1"}, True), ({"TERM": "dumb"}, True), ({"TERM": ""}, True), ({}, False),
])  # fmt: skip
def test_colour_can_be_turned_off(environ: dict[str, str], is_terminal: bool) -> None:
    screen = Screen(is_terminal=is_terminal, **environ)
    assert screen.terminal.styled("text", "red") == "text"
    assert screen.terminal.mark("ok") == "✓"


def test_a_terminal_gets_colour() -> None:
    assert Screen().terminal.styled("text", "red") == "\x1b[31mtext\x1b[0m"


@pytest.mark.parametrize(("environ", "is_coloured"), [
    ({"FORCE_COLOR": "1"}, True), ({"CLICOLOR_FORCE": "1"}, True),
    ({"FORCE_COLOR": "1", "TERM": "dumb"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": ""}, True),
    ({"FORCE_COLOR": ""}, False), ({"CLICOLOR_FORCE": "0"}, False), ({"FORCE_COLOR": "0"}, False),
    ({"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
])  # fmt: skip
def test_colour_can_be_forced_without_a_terminal(environ: dict[str, str], is_coloured: bool) -> None:
    screen = Screen(is_terminal=False, **environ)
    screen.terminal.print(f"{screen.terminal.mark('ok')} done")
    screen.terminal.table(("A",), [("x",)])
    screen.terminal.progress("calling …")
    screen.terminal.warn(f"{screen.terminal.mark('failure')} failed")
    mark, head, failure = "✓", "A", "✗"
    if is_coloured:
        mark, head, failure = f"\x1b[32m{mark}\x1b[0m", f"\x1b[1m{head}\x1b[0m", f"\x1b[31m{failure}\x1b[0m"
    assert screen.stdout.getvalue() == f"{mark} done\n{head}\nx\n"
    assert screen.stderr.getvalue() == f"{failure} failed\n", "progress needs a terminal"


def test_each_stream_has_colour_only_if_it_is_a_terminal() -> None:
    stdout, stderr = Stream(), Stream(is_terminal=False)
    terminal = Terminal({"TERM": "xterm"}, Stream(), stdout, stderr)
    terminal.warn(f"{terminal.mark('failure')} failed")
    assert stderr.getvalue() == "✗ failed\n"


@pytest.mark.parametrize("kind", MARKS)
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "no-such-encoding"])
def test_marks_fit_every_encoding(kind: str, encoding: str) -> None:
    mark, plain, _ = MARKS[kind]
    is_encodable = mark.isascii() if encoding == "ascii" else encoding == "cp1252" and mark in "!·"
    shown = Screen(encoding=encoding, NO_COLOR="1").terminal.mark(kind)
    assert shown == (mark if is_encodable else plain)


def test_columns_are_as_wide_as_their_longest_cell() -> None:
    screen = Screen(NO_COLOR="1")
    screen.terminal.table(("A", "LONG", ""), [("1", "2", "note"), ("three", "4", "")])
    assert screen.stdout.getvalue().splitlines() == ["A      LONG", "1      2     note", "three  4"]


def test_items_and_fields_hang_below_their_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("USERPROFILE" if os.name == "nt" else "HOME", "/home/user")
    for is_terminal, expected in (
        (True, ["✗ pull  repository app does not exist in", "        us-west-2", "        create it in ~/x"]),
        (False, ["✗ pull  repository app does not exist in us-west-2", "        create it in /home/user/x"]),
    ):
        screen = Screen(is_terminal=is_terminal, NO_COLOR="1")
        hint = "create it in /home/user/x"
        screen.terminal.item("failure", "repository app does not exist in us-west-2", hint, "pull")
        screen.terminal.item("note", "none")
        screen.terminal.field("Docker", "none")
        assert screen.stdout.getvalue().splitlines() == [*expected, "· none", "Docker  none"]


def test_a_hint_is_bold_unless_nothing_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "22")
    screen = Screen()
    screen.terminal.item("ok", "fine", "more")
    screen.terminal.item("warning", "odd", "first correct the file")
    assert screen.stdout.getvalue().splitlines() == [
        "\x1b[32m✓\x1b[0m fine", "  \x1b[2mmore\x1b[0m",
        "\x1b[33m!\x1b[0m odd", "  \x1b[1mfirst correct the\x1b[0m", "\x1b[1m  file\x1b[0m",
    ]  # fmt: skip


@pytest.mark.parametrize(("is_terminal", "columns", "width"), [
    (True, "123", 123), (True, "", 80), (False, "123", None),
])  # fmt: skip
def test_the_width_is_that_of_the_terminal(
    is_terminal: bool, columns: str, width: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert Screen(is_terminal=is_terminal).terminal.width == width


@pytest.mark.parametrize(("is_terminal", "shown"), [
    (True, ["~/.docker", "~", "/home/user2/x"]),
    (False, ["/home/user/.docker", "/home/user", "/home/user2/x"]),
])  # fmt: skip
def test_a_terminal_shows_paths_relative_to_the_home_directory(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, shown: list[str]
) -> None:
    monkeypatch.setenv("USERPROFILE" if os.name == "nt" else "HOME", "/home/user")
    terminal = Screen(is_terminal=is_terminal).terminal
    assert [
        terminal.short_path(path) for path in ("/home/user/.docker", "/home/user", "/home/user2/x")
    ] == shown


def test_output_replaces_progress() -> None:
    screen = Screen()
    screen.terminal.progress("calling AWS …")
    screen.terminal.progress("calling the registry …")
    screen.terminal.print("done")
    progress = f"calling AWS …{CLEAR_LINE}calling the registry …{CLEAR_LINE}"
    assert (screen.stderr.getvalue(), screen.stdout.getvalue()) == (progress, "done\n")


@pytest.mark.parametrize(("is_terminal", "environ"), [(False, {}), (True, {"TERM": "dumb"})])
def test_progress_is_shown_only_on_terminals(is_terminal: bool, environ: dict[str, str]) -> None:
    screen = Screen(is_terminal=is_terminal, **environ)
    screen.terminal.progress("calling …")
    assert screen.stderr.getvalue() == ""


def test_a_process_without_streams_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(f"sys.{name}", None)
    terminal = Terminal({})
    terminal.print("x")
    terminal.warn("x")
    assert not terminal.ask("x?")
    assert not terminal.shows_output
    assert terminal.mark("ok") == "ok"


def test_characters_that_the_encoding_lacks_are_replaced() -> None:
    raw = io.BytesIO()
    terminal = Terminal({}, io.StringIO(), io.TextIOWrapper(raw, "ascii"), io.StringIO(), "linux")
    terminal.print("a…b")
    assert raw.getvalue() == f"a?b{os.linesep}".encode()


@pytest.mark.parametrize(("platform", "environ", "written"), [
    ("win32", {}, "a…b\n".encode()),
    ("win32", {"PYTHONIOENCODING": "cp1252"}, b"a\x85b\r\n"),
    ("linux", {}, b"a\x85b\r\n"),
])  # fmt: skip
def test_pipes_on_windows_get_utf8_and_line_feeds(
    platform: str, environ: dict[str, str], written: bytes
) -> None:
    out, err = io.BytesIO(), io.BytesIO()
    stdout, stderr = (io.TextIOWrapper(raw, "cp1252", newline="\r\n") for raw in (out, err))
    terminal = Terminal(environ, io.StringIO(), stdout, stderr, platform)
    terminal.print("a…b")
    terminal.warn("a…b")
    assert (out.getvalue(), err.getvalue()) == (written, written)


def test_a_console_of_windows_keeps_its_encoding() -> None:
    class Console(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    console = Console(io.BytesIO(), "cp850")
    Terminal({}, io.StringIO(), console, io.StringIO(), "win32").print("ä")
    assert console.encoding == "cp850"


HOSTILE = "a\x1b]0;title\x07b\x1b[2Jc\x9b1md\u202ee"
HARMLESS = "a ]0;title b [2Jc 1md e"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_texts_from_files_cannot_control_the_terminal(is_terminal: bool) -> None:
    screen = Screen("y\n", is_terminal=is_terminal)
    screen.terminal.print(f"{screen.terminal.mark('ok')} {HOSTILE}")
    screen.terminal.table(("A",), [(f"{HOSTILE}\n",), ("x",)])
    screen.terminal.warn(HOSTILE)
    screen.terminal.ask(HOSTILE)
    screen.terminal.progress(HOSTILE)
    mark, head = ("\x1b[32m✓\x1b[0m", "\x1b[1mA\x1b[0m") if is_terminal else ("✓", "A")
    assert screen.stdout.getvalue() == f"{mark} {HARMLESS}\n{head}\n{HARMLESS}\nx\n"
    expected = [HARMLESS] if not is_terminal else [HARMLESS, f"{HARMLESS} [y/N] {HARMLESS}"]
    assert screen.stderr.getvalue().splitlines() == expected
    assert screen.terminal.styled(HOSTILE, "red") == (
        f"\x1b[31m{HARMLESS}\x1b[0m" if is_terminal else HOSTILE
    )
    screen.terminal.clear()


def test_raw_results_are_written_unchanged() -> None:
    screen = Screen()
    screen.terminal.progress("calling …")
    screen.terminal.write_raw("{\n\t}")
    assert screen.stdout.getvalue() == "{\n\t}\n"
    assert screen.stderr.getvalue() == f"calling …{CLEAR_LINE}"
    assert screen.terminal.flush()


def test_a_missing_standard_output_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = Stream()
    monkeypatch.setattr("sys.stdout", None)
    terminal = Terminal({}, Stream(), None, stderr)
    assert terminal.flush()
    terminal.print("x")
    terminal.write_raw("x")
    assert not terminal.flush()
    warning = f"standard output cannot be written ({os.strerror(errno.EBADF)})\n"
    assert stderr.getvalue() == f"docker-credential-ecr-py: {warning}"


class Broken(Stream):
    """A stream that raises an error on write."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def write(self, _: str) -> int:
        raise OSError(self._number, os.strerror(self._number))


@pytest.mark.parametrize(("number", "count"), [(errno.ENOSPC, 1), (errno.EPIPE, 0)])
def test_a_write_error_is_reported_once_and_does_not_stop_the_command(number: int, count: int) -> None:
    stderr = Stream()
    terminal = Terminal({}, Stream("y\n"), Broken(number), stderr)
    terminal.print("x")
    terminal.print("y")
    assert stderr.getvalue().count("standard output cannot be written") == count
    assert not terminal.flush()
    assert not terminal.ask("Really?"), "the user has not seen the output"


def test_a_write_error_on_standard_error_does_not_affect_the_result() -> None:
    stdout = Stream()
    terminal = Terminal({}, Stream(), stdout, Broken(errno.ENOSPC))
    terminal.warn("x")
    terminal.print("y")
    assert (stdout.getvalue(), terminal.flush()) == ("y\n", True)


def test_an_undecodable_answer_is_not_a_yes() -> None:
    class Typed(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    typed = Typed(io.BytesIO(b"\xffy\n"), "utf-8")
    assert not Terminal({}, typed, Stream(), Stream()).ask("Really?")


# Prompts without echo.


@pytest.fixture
def tty() -> Iterator[int]:
    """Return a terminal with echo."""
    pty = pytest.importorskip("pty")  # Windows has none
    terminal, other_end = pty.openpty()
    yield other_end
    os.close(terminal)
    os.close(other_end)


def has_echo(tty: int) -> bool:
    import termios

    return bool(termios.tcgetattr(tty)[3] & termios.ECHO)


def without_echo(tty: int) -> None:
    import termios

    state = termios.tcgetattr(tty)
    state[3] &= ~termios.ECHO
    termios.tcsetattr(tty, termios.TCSANOW, state)


def test_no_progress_is_shown_during_a_prompt(tty: int) -> None:
    screen = Screen()
    screen.terminal.progress("checking …")
    with prompts.prompt_without_echo(tty):
        assert prompts.open_prompts
        screen.terminal.progress("checking more …")
        assert screen.stderr.getvalue() == f"checking …{CLEAR_LINE}"
    assert not prompts.open_prompts


def test_an_abandoned_prompt_restores_the_echo(tty: int) -> None:
    with prompts.prompt_without_echo(tty):
        without_echo(tty)
        with prompts.prompt_without_echo(tty):  # Another thread's prompt starts without echo.
            Screen().terminal.print("it took too long")
            assert has_echo(tty)
            assert not prompts.open_prompts
        without_echo(tty)
    prompts.restore_terminal()
    assert not has_echo(tty), "getpass restores the echo"


def test_a_prompt_on_a_file_does_not_change_the_echo(tmp_path: Path) -> None:
    pytest.importorskip("termios")
    with (tmp_path / "file").open("wb") as file, prompts.prompt_without_echo(file.fileno()):
        assert not prompts.open_prompts


def test_the_state_of_the_terminal_is_restored(tty: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "CONTROLLING_TERMINAL", os.ttyname(tty))
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: os.getpgrp())  # the test has no controlling terminal
    restore = prompts.terminal_restorer()
    restore()
    assert has_echo(tty)
    without_echo(tty)
    prompts.terminal_restorer()()  # the echo was off before
    assert not has_echo(tty)
    restore()
    assert has_echo(tty)


def test_the_terminal_of_another_process_group_is_not_changed(
    tty: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompts, "CONTROLLING_TERMINAL", os.ttyname(tty))
    restore = prompts.terminal_restorer()
    without_echo(tty)
    restore()
    assert not has_echo(tty)


def test_without_a_terminal_nothing_is_restored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(prompts, "CONTROLLING_TERMINAL", str(tmp_path / "none"))
    prompts.terminal_restorer()()


def test_long_lines_of_a_result_are_wrapped_with_an_indent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, "/home/me")
    screen = Screen(TERM="dumb")
    host = "111122223333.dkr.ecr.us-west-2.amazonaws.com"
    screen.terminal.paragraph("two  blanks, and short")
    screen.terminal.paragraph(f'+    "{host}": "ecr-py": 1')
    screen.terminal.paragraph("a text that is longer than the terminal is wide, as all of them are")
    screen.terminal.marked("ok", f"{host}  valid for 12 h")
    screen.terminal.warning(
        "/home/me/.docker/config.json takes precedence and has a login; run: podman logout"
    )
    screen.terminal.marked(
        "failure", "short", "a hint that is longer than the terminal is wide, and much wider"
    )
    assert screen.stdout.getvalue().splitlines() == [
        "two  blanks, and short",
        f'+    "{host}":',
        '       "ecr-py": 1',
        "a text that is longer than the terminal is wide, as all of",
        "  them are",
        f"✓ {host} valid for",
        "  12 h",
    ]
    assert screen.stderr.getvalue().splitlines() == [
        "! ~/.docker/config.json takes precedence and has a login;",
        "  run: podman logout",
        "✗ short",
        "  a hint that is longer than the terminal is wide, and",
        "    much wider",
    ]


def test_nothing_is_wrapped_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    screen = Screen(is_terminal=False)
    screen.terminal.paragraph("a text that is longer than the terminal is wide")
    assert screen.stdout.getvalue() == "a text that is longer than the terminal is wide\n"


def test_a_long_question_is_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen = Screen("y\n", TERM="dumb")
    assert screen.terminal.prompt("Configure which registries? (all, none, or numbers) [all]:") == "y"
    assert screen.stderr.getvalue() == "Configure which registries? (all,\n  none, or numbers) [all]: "
