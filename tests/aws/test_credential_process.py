"""Credential processes: their output, their failures, and that none of them is left behind."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ecr_credhelper.aws import processes
from ecr_credhelper.aws.credential_process import ProcessProvider
from ecr_credhelper.errors import CredentialsError
from tests import systems
from tests.commands import checked
from tests.conftest import EXECUTABLE, HOST, run, until
from tests.terminals import read_to_end

KEYS = {"Version": 1, "AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": "a-secret"}
JSON = json.dumps(KEYS)
NO_PROGRAM = "is not a program that can be started; check the first line and the format of"
NO_SHELL = "but no shell runs it; move the command to a script"
NOT_A_TIME = "wrote an Expiration that is not a time; use the form 2030-01-31T12:00:00Z"
FORMAT = "check its documentation for the AWS credential_process format"
AT_KEY = "correct the key where the program reads it"

posix = systems.scripts
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the others have no /proc")


@pytest.fixture
def leftovers() -> Iterator[list[int]]:
    """Collect process IDs of programs that are meant to go on, and kill them after the test."""
    found: list[int] = []
    yield found
    for process in found:
        with suppress(OSError):
            os.kill(process, signal.SIGKILL)


def load(command: str, end: float | None = None) -> Any:  # botocore-stubs lack Credentials.account_id
    config = {"profiles": {"dev": {"credential_process": command}}}
    found = ProcessProvider("dev", lambda: config, HOST, end).load()
    assert found
    return found


def error_of(command: str, end: float | None = None) -> str:
    """Return the error of a command, without the registry and the profile."""
    with pytest.raises(CredentialsError) as caught:
        load(command, end)
    return str(caught.value).removeprefix(f"{HOST}: the credential_process of profile dev ")


def python(code: str) -> str:
    """Return a command that runs Python code."""
    arguments = [sys.executable, "-SEc", code]
    return subprocess.list2cmdline(arguments) if os.name == "nt" else shlex.join(arguments)


def writing(*output: object) -> str:
    """Return a command that writes texts, or a JSON document."""
    texts = [text if isinstance(text, str) else json.dumps(text) for text in output]
    return python(f"import sys; sys.stdout.write({''.join(texts)!r})")


def is_running(process: int) -> bool:
    """Return whether a process runs. A zombie does not: in a container, nothing may collect it."""
    stat = Path(f"/proc/{process}/stat")
    if stat.parent.parent.joinpath("self").exists():
        with suppress(OSError):
            return stat.read_text().rpartition(")")[2].split()[0] != "Z"
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def number_in(file: Path) -> int:
    """Return the process ID in a file, as soon as it is complete."""
    until(lambda: file.exists() and file.read_text().endswith("\n"))
    return int(file.read_text())


@pytest.mark.parametrize(
    ("keys", "token", "account"),
    [
        (KEYS, None, None),
        ({**KEYS, "SessionToken": None, "Expiration": None}, None, None),
        ({**KEYS, "SessionToken": ""}, None, None),
        ({**KEYS, "SessionToken": "a-token", "AccountId": "111122223333"}, "a-token", "111122223333"),
        ({**KEYS, "AccountId": 111122223333}, None, None),
        ({**KEYS, "Expiration": "2099-01-01T00:00:00Z"}, None, None),
        ({**KEYS, "Expiration": f"{dt.date.max}T00:00:00Z"}, None, None),
    ],
    ids=str,
)
def test_credentials(keys: dict[str, Any], token: str | None, account: str | None) -> None:
    found = load(writing(keys))
    assert (found.access_key, found.secret_key) == ("AKIAEXAMPLE", "a-secret")
    assert (found.token, found.account_id) == (token, account)


def test_a_byte_order_mark_before_the_json_is_ignored() -> None:
    assert load(python(f"import sys; sys.stdout.buffer.write(b'\\xef\\xbb\\xbf' + {JSON.encode()!r})"))


@pytest.mark.parametrize(
    ("output", "error"),
    [
        ({**KEYS, "Expiration": 4102444800}, NOT_A_TIME),
        ({**KEYS, "Expiration": []}, NOT_A_TIME),
        ({**KEYS, "Expiration": ""}, NOT_A_TIME),
        ({**KEYS, "Expiration": False}, NOT_A_TIME),
        ({**KEYS, "Expiration": "tomorrow"}, NOT_A_TIME),
        ({**KEYS, "SessionToken": 5}, f"wrote a SessionToken that is not a text; {FORMAT}"),
        ({**KEYS, "SessionToken": [1]}, f"wrote a SessionToken that is not a text; {FORMAT}"),
        ({**KEYS, "AccessKeyId": ["AKIA"]}, f"did not write AccessKeyId; {FORMAT}"),
        ({**KEYS, "SecretAccessKey": ""}, f"did not write SecretAccessKey; {FORMAT}"),
        ({**KEYS, "AccessKeyId": "AKIA\n"}, f"wrote AccessKeyId with a line break; {AT_KEY}"),
        ({**KEYS, "SecretAccessKey": "a-secret\r\n"}, f"wrote SecretAccessKey with a line break; {AT_KEY}"),
        ({**KEYS, "SessionToken": "a\nb"}, f"wrote SessionToken with a line break; {AT_KEY}"),
        ({**KEYS, "SecretAccessKey": "a secret"},
            f"wrote SecretAccessKey with a character that no key has; {AT_KEY}"),
        ({**KEYS, "AccessKeyId": "clé"}, f"wrote AccessKeyId with a character that no key has; {AT_KEY}"),
        (f"{JSON}\nDone.\n", "wrote text after the JSON object; make it write other text to standard error"),
        (f"{JSON}{JSON}", "wrote text after the JSON object; make it write other text to standard error"),
        (f"Hello\n{JSON}", "wrote text before the JSON object; make it write other text to standard error"),
        (f"2030 {JSON}", "wrote text before the JSON object; make it write other text to standard error"),
        ([KEYS], "wrote no JSON object; make it write other text to standard error"),
    ],
    ids=lambda value: str(value)[:80],
)  # fmt: skip
def test_output_that_is_not_valid(output: object, error: str) -> None:
    found = error_of(writing(output))
    assert found == f"({os.path.basename(sys.executable)}) {error}"
    assert "a-secret" not in found


def test_deeply_nested_output_is_not_valid() -> None:
    assert "wrote no JSON object; " in error_of(python("print('[' * 100_000)"))


@posix
@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("cat {home}/credentials | jq .", f"(cat) uses shell syntax (|), {NO_SHELL}"),
        ("echo x || true", f"(echo) uses shell syntax (||), {NO_SHELL}"),
        ("no-such-tool && echo x", f"(no-such-tool) uses shell syntax (&&), {NO_SHELL}"),
        ("echo x; echo", f"(echo) uses shell syntax (;), {NO_SHELL}"),
        ("echo x 2>/dev/null", f"(echo) uses shell syntax (>), {NO_SHELL}"),
        ("echo $(a-secret)", f"(echo) uses shell syntax ($(), {NO_SHELL}"),
        ("TOKEN=a-secret tool", f"uses shell syntax (TOKEN=), {NO_SHELL}"),
        ("sh -c 'exit 3 | exit 4'", "(sh) failed (exit status 4); run it in a terminal"),
        ("{home}", "(home) is a directory: {home}; write the path of the program"),
        ("'{home}/my tool'", "(my tool) is not executable; run: chmod +x '{home}/my tool'"),
        ("'{home}/no tool'", "(no tool) does not exist; correct '{home}/no tool' in the AWS configuration"),
        ("'my tool'", "(my tool) is not executable; run: chmod +x '{home}/my tool'"),
        ("{home}/100%", "(100%) is not executable; run: chmod +x {home}/100%"),
        ("granted-script", f"(granted-script) {NO_PROGRAM} {{home}}/granted-script"),
        (
            "{home}/100%/x",
            "(x) has '{home}/100%/x' in its path, which is not expanded; write the absolute path",
        ),
        (
            "{home}/granted-script/x",
            "(x) does not exist; correct {home}/granted-script/x in the AWS configuration",
        ),
        ("true {too long}", "(true) cannot be started (Argument list too long); run it in a terminal"),
        ('""', "is empty; correct it in the AWS configuration"),
        ("tool\0x", "(tool\0x) contains a null character; correct it in the AWS configuration"),
    ],
)
def test_commands_that_cannot_work(
    command: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("my tool", "100%"):
        (home / name).write_text("")
    (home / "granted-script").write_text(f"#!{home}/100%\n")
    (home / "granted-script").chmod(0o755)
    monkeypatch.setenv("PATH", f"{home}{os.pathsep}{os.environ['PATH']}")
    found = error_of(command.replace("{home}", str(home)).replace("{too long}", "x" * 200_000))
    assert found == error.replace("{home}", str(home)).replace("\0", " ")
    assert "a-secret" not in found


@posix
def test_a_script_on_the_path_has_no_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "granted"
    script.write_text("#!/nonexistent\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert error_of("granted") == f"(granted) {NO_PROGRAM} {script}"


@posix
def test_too_many_open_files_are_not_a_fault_of_the_program() -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (free + 3, limits[1]))  # for one pipe and a half
        errors = {error_of(f"{sys.executable} -c 0") for _ in range(3)}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    (error,) = errors
    assert error.endswith(" cannot be started (Too many open files); raise the limit on open files")


@pytest.mark.skipif(sys.platform != "win32", reason="only Windows searches for programs with suffixes")
def test_a_batch_file_needs_its_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "granted.cmd").write_text("@echo off\n")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert error_of("granted").lower() == "(granted) is started only with its suffix; write it as granted.cmd"


def test_standard_error_is_read_to_its_end() -> None:
    code = f"import sys\nfor _ in range(1500): sys.stderr.write('x' * 999 + '\\n')\nprint({JSON!r})"
    assert load(python(code)).secret_key == "a-secret"


def test_the_last_line_is_found_after_much_other_text() -> None:
    code = "import sys\nsys.stderr.write('password ' + 'x' * 100000 + '\\nlog in again\\n')\nsys.exit(3)"
    assert "failed (exit status 3): log in again; " in error_of(python(code))


def test_a_line_without_its_start_is_not_shown() -> None:
    """Its start can be the name of a secret."""
    code = "import sys\nsys.stderr.write('password ' + 'x ' * 100000)\nsys.exit(3)"
    assert "failed (exit status 3); " in error_of(python(code))


def test_a_process_is_not_started_without_time() -> None:
    found = error_of(writing(KEYS), end=time.monotonic())
    assert "was not started: this machine is too busy; try again when this machine is less busy" in found


@posix
@pytest.mark.parametrize("status", [0, 3])
def test_a_child_that_outlives_the_process_is_not_waited_for(
    status: int, tmp_path: Path, leftovers: list[int]
) -> None:
    """It can be an agent for later calls, and it holds all streams."""
    pid = tmp_path / "pid"
    script = f"sleep 600 & echo $! >{pid}; echo '{JSON}'; echo log in again >&2; exit {status}"
    command = shlex.join(["sh", "-c", script])
    if status:
        assert error_of(command) == "(sh) failed (exit status 3): log in again; run it in a terminal"
    else:
        assert load(command).secret_key == "a-secret"
    leftovers.append(number_in(pid))
    assert is_running(leftovers[0])


@linux
def test_children_of_every_thread_of_a_process_are_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    code = (
        "import subprocess, threading\n"
        f"start = lambda: subprocess.run(['sh', '-c', 'echo $$ >{pid}; sleep 600 & wait'])\n"
        "threading.Thread(target=start).start()\n"
    )
    for seconds in (1, 4, 16, 64, 256):  # the first one in which the child starts on this machine
        assert "did not end within" in error_of(python(code), time.monotonic() + seconds)
        if pid.exists() and pid.read_text():
            break
    until(lambda: not is_running(number_in(pid)))


def test_a_process_that_has_ended_has_no_descendants() -> None:
    assert processes.stop_descendants(2**22 + 1) == []


def test_no_process_is_started_when_this_one_ends(tmp_path: Path) -> None:
    children = processes.Children()
    children.end_all()
    output = os.open(tmp_path / "output", os.O_RDWR | os.O_CREAT)
    with pytest.raises(OSError, match=os.strerror(errno.ECANCELED)):
        children.start([sys.executable, "-c", ""], output, output)
    os.close(output)


def test_all_programs_are_ended_but_those_of_the_parent_of_a_fork(tmp_path: Path) -> None:
    children = processes.Children()
    output = os.open(tmp_path / "output", os.O_RDWR | os.O_CREAT)
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    of_the_parent = children.start(sleep, output, output)
    children._forget()  # noqa: SLF001 - what a fork calls in the child
    own = children.start(sleep, output, output)
    os.close(output)
    with children._lock:  # noqa: SLF001 - as while another thread starts a program that hangs
        children.end_all()
    assert own.process.returncode is not None
    assert of_the_parent.process.poll() is None
    of_the_parent.end()
    assert of_the_parent.process.returncode is not None


def test_a_limit_on_threads_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError

    monkeypatch.setattr(threading.Thread, "start", fail)
    found = error_of(python("import time; time.sleep(600)"))
    assert "cannot be started (Resource temporarily unavailable); raise the limits" in found


@pytest.fixture
def hanging(home: Path) -> Path:
    """Configure a credential process that does not end; return the file with its process ID."""
    pid = home / "pid"
    configure(home, f"echo $$ >{pid}; exec sleep 600")
    return pid


def configure(home: Path, script: str) -> None:
    (home / ".aws").mkdir()
    command = shlex.join(["sh", "-c", script])
    (home / ".aws/config").write_text(f"[default]\ncredential_process = {command}\n")


def set_deadline(home: Path, seconds: int) -> None:
    file = home / ".config/ecr-credhelper/config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"deadline = {seconds}\n")


@posix
@pytest.mark.parametrize("shortest", [1, 2, 4])
def test_no_process_is_left_after_a_deadline(shortest: int, hanging: Path, home: Path) -> None:
    for seconds in (shortest, 8, 32, 128):  # the first one in which the process starts on this machine
        set_deadline(home, seconds)
        done = run("get", stdin=HOST)
        assert done.status == 1
        if hanging.exists() and hanging.read_text():
            break
    assert not is_running(number_in(hanging))


def start_get() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [EXECUTABLE, "get"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin
    process.stdin.write(HOST.encode())
    process.stdin.close()
    process.stdin = None
    return process


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_to_the_helper_ends_the_process(name: str, hanging: Path, home: Path) -> None:
    set_deadline(home, 600)
    number = getattr(signal, name)
    before = signal.signal(number, signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL)
    with start_get() as helper:
        signal.signal(number, before)
        process = number_in(hanging)
        helper.send_signal(number)
        assert helper.communicate(timeout=300) == (b"", b"")
    assert helper.returncode == 128 + number
    assert not is_running(process)


@posix
def test_no_process_is_left_if_the_helper_is_stopped_until_the_deadline(hanging: Path, home: Path) -> None:
    """As on a busy machine, or after suspend: no limit inside the helper applies meanwhile."""
    for seconds in (3, 12, 48):
        set_deadline(home, seconds)
        with start_get() as helper:
            until(lambda: hanging.exists() or helper.poll() is not None)
            helper.send_signal(signal.SIGSTOP)
            time.sleep(seconds)  # the deadline itself has to pass
            helper.send_signal(signal.SIGCONT)
            helper.communicate(timeout=300)
        assert helper.returncode == 1
        if hanging.exists():
            break
    assert not is_running(number_in(hanging))


LIBRARY = """
import os, signal, sys, threading, time, warnings
warnings.simplefilter("ignore")  # of a fork with threads
import ecr_credhelper
pid, host, child = sys.argv[1:]
threading.Thread(target=ecr_credhelper.get_credentials, args=(host,), daemon=True).start()
while not os.path.exists(pid) or not open(pid).read().endswith("\\n"):
    time.sleep(0.01)
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
if child and os.fork() == 0:
    sys.exit()
if child:
    os.wait()
    print(open(f"/proc/{open(pid).read().strip()}/stat").read().rpartition(")")[2].split()[0])
"""


@posix
def test_a_program_keeps_its_signals_and_leaves_no_process(hanging: Path, home: Path) -> None:
    set_deadline(home, 600)
    checked([sys.executable, "-c", LIBRARY, str(hanging), HOST, ""])
    assert not is_running(number_in(hanging))


@linux
def test_a_forked_process_does_not_end_the_processes_of_its_parent(hanging: Path, home: Path) -> None:
    set_deadline(home, 600)
    assert checked([sys.executable, "-c", LIBRARY, str(hanging), HOST, "fork"]).stdout == "S\n"
    assert not is_running(number_in(hanging))


@posix
@pytest.mark.parametrize("end", ["deadline", "signal"])
def test_a_killed_prompt_leaves_the_terminal_as_it_was(end: str, home: Path) -> None:
    import pty
    import termios

    pid = home / "pid"
    configure(home, f"stty -echo </dev/tty; echo $$ >{pid}; read x </dev/tty")
    for seconds in (4, 16, 64) if end == "deadline" else (600,):
        set_deadline(home, seconds)
        ours, theirs = pty.openpty()
        # A session's first terminal is its own: /dev/tty.
        command = f'exec <>"{os.ttyname(theirs)}" >&0 2>&0; exec "{EXECUTABLE}" password {HOST}'
        with subprocess.Popen(["/bin/sh", "-c", command], start_new_session=True) as helper:
            if end == "signal":
                number_in(pid)
                assert not termios.tcgetattr(theirs)[3] & termios.ECHO
                helper.send_signal(signal.SIGTERM)
            assert helper.wait(600) == (128 + signal.SIGTERM if end == "signal" else 1)
        assert termios.tcgetattr(theirs)[3] & termios.ECHO
        os.close(theirs)
        read_to_end(ours)
        os.close(ours)
        if pid.exists():
            break
    assert not is_running(number_in(pid))
