"""The command line, in this process: output and exit status."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecr_credhelper import __main__ as program
from ecr_credhelper import __version__, helper
from ecr_credhelper.fetch import background
from tests import systems
from tests.conftest import EXECUTABLE, HOST, NOT_FOUND

Capture = pytest.CaptureFixture[bytes]


@pytest.fixture(autouse=True)
def _stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the name of a registry that is not ECR on standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"ghcr.io")))


def test_a_reply_is_written(capsysbinary: Capture) -> None:
    assert program.main(["get"]) == 1
    assert capsysbinary.readouterr() == (NOT_FOUND, b"")


@pytest.mark.parametrize("argv", [["version"], ["--version"], ["-V"]])
def test_version(argv: list[str], capsysbinary: Capture) -> None:
    assert program.main(argv) == 0
    assert capsysbinary.readouterr().out == f"docker-credential-ecr-py {__version__}\n".encode()


@pytest.mark.parametrize(("argv", "reason"), [
    (["frob"], "unknown command 'frob'"),
    ([""], "unknown command ''"),
    (["GET"], "unknown command 'GET'; did you mean get?"),
    (["get", HOST], "get takes no arguments; run: docker-credential-ecr-py get --help"),
    (["version", "1"], "version takes no arguments; run: docker-credential-ecr-py version --help"),
])  # fmt: skip
def test_a_wrong_command_line_is_reported_on_both_streams(
    argv: list[str], reason: str, capsysbinary: Capture
) -> None:
    assert program.main(argv) == 2
    line, same = capsysbinary.readouterr()
    assert line.decode().startswith(f"docker-credential-ecr-py: {reason}")
    assert line == same


def test_background_commands_print_nothing(capsysbinary: Capture) -> None:
    assert program.main(["refresh-in-background", "ghcr.io"]) == 1
    assert program.main(["fetch-late-tokens"]) == 0
    assert capsysbinary.readouterr() == (b"", b"")


def test_spawn_starts_a_background_process(monkeypatch: pytest.MonkeyPatch) -> None:
    spawned: list[tuple[tuple[str, ...], bool]] = []
    monkeypatch.setattr(
        background,
        "spawn",
        lambda *arguments, needs_pythonpath: spawned.append((arguments, needs_pythonpath)),
    )
    program.spawn("host")
    monkeypatch.setenv("PYTHONPATH", str(Path(program.__file__).parents[1]))
    monkeypatch.delitem(sys.modules, "site")  # PYTHONPATH can contain its directories
    program.spawn("host")
    assert spawned == [(("host",), False), (("host",), True)]


def test_closed_streams_cause_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    assert program.main(["get"]) == 1


def test_a_broken_pipe_causes_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        @property
        def buffer(self) -> io.BytesIO:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Gone())
    assert program.main(["list"]) == 1


def test_an_output_error_is_reported_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        @property
        def buffer(self) -> io.BytesIO:
            raise OSError(errno.ENOSPC, "No space")

    monkeypatch.setattr(sys, "stdout", Full())
    told = "docker-credential-ecr-py: standard output cannot be written (No space)\n"
    for command in ("list", "version"):
        assert program.main([command]) == 1
        assert capsys.readouterr().err == told


def test_ctrl_c_causes_no_traceback(capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(helper.VERBS, "get", interrupted)
    assert program.main(["get"]) == 130
    assert capsysbinary.readouterr().out == b""


def test_a_bug_is_reported_as_one_line(capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a-secret")

    monkeypatch.setitem(helper.VERBS, "get", broken)
    assert program.main(["get"]) == 1
    line, same = capsysbinary.readouterr()
    assert line.startswith(b"docker-credential-ecr-py: internal error (ZeroDivisionError); please report")
    assert line == same
    assert b"a-secret" not in line


@pytest.mark.parametrize("is_loaded", [True, False])
def test_run_ends_the_process_with_the_status(
    is_loaded: bool, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = ("console.prompts", "aws.processes")
    for name in loaded:
        monkeypatch.delitem(sys.modules, f"ecr_credhelper.{name}", raising=False)
    calls: list[str] = []
    if is_loaded:
        fake = SimpleNamespace(
            restore_terminal=lambda: calls.append("restore"), end_all=lambda: calls.append("end")
        )
        for name in loaded:
            monkeypatch.setitem(sys.modules, f"ecr_credhelper.{name}", fake)
        monkeypatch.setattr("ecr_credhelper.console.signals.ignore_signals", lambda: calls.append("ignore"))
    statuses: list[int] = []
    monkeypatch.setattr(sys, "argv", ["docker-credential-ecr-py", "get"])
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(os, "_exit", statuses.append)
    program.run()
    assert statuses == [1]
    assert calls == (["ignore", "end", "restore"] if is_loaded else [])
    assert capsysbinary.readouterr().out == NOT_FOUND


INTERRUPTED = """
import sys
class Finder:
    def find_spec(self, name, *_):
        if name == "ecr_credhelper." + sys.argv[1]:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
from ecr_credhelper.__main__ import run
run()
"""


@pytest.mark.parametrize("module", ["helper", "protocol", "errors", "cache", "records"])
def test_ctrl_c_during_imports_causes_no_traceback(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, module], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.skipif(sys.platform != "linux", reason="no /dev/full")
@pytest.mark.parametrize(
    "argv",
    [[], ["--help"], ["help", "doctor"], ["version"], ["frob"], ["status"], ["list"], ["status", "--help"],
     ["doctor"], ["doctor", "--json"], ["cache"], ["completion", "bash"], ["password", HOST],
     ["header", HOST], ["configure", HOST, "--dry-run"]],
)  # fmt: skip
@pytest.mark.usefixtures("aws")
def test_a_full_disk_is_reported(argv: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run([EXECUTABLE, *argv], stdout=full, stderr=subprocess.PIPE, check=False)
    lines = done.stderr.decode().splitlines()
    told = "docker-credential-ecr-py: standard output cannot be written (No space left on device)"
    assert (done.returncode, lines.count(told)) == (1, 1)
    assert "internal error" not in "".join(lines)


@systems.shells
@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    "command",
    [
        "get",
        "list",
        "version",
        "status",
        "doctor",
        "doctor --json",
        "cache",
        f"password {HOST}",
        f"header {HOST}",
    ],
)
def test_a_missing_standard_output_is_reported(command: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'"{EXECUTABLE}" {command} >&-'],
        input=HOST.encode(),
        capture_output=True,
        check=False,
    )
    told = b"docker-credential-ecr-py: standard output cannot be written (Bad file descriptor)\n"
    assert (done.returncode, done.stderr) == (1, told)


@systems.shells
@pytest.mark.parametrize("output", [">/dev/full", "| true", ">&-"])
def test_configure_writes_even_if_the_diff_cannot_be_printed(output: str, home: Path) -> None:
    command = f'trap "" PIPE; "{EXECUTABLE}" configure {HOST} --yes {output}'
    subprocess.run(["/bin/sh", "-c", command], check=False, capture_output=True)
    assert HOST in (home / ".docker/config.json").read_text()
