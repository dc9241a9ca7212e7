"""Run a profile's ``credential_process`` and explain its failures.

botocore runs it without limits and reports most failures as a bare exception.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
"""

import datetime as dt
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from botocore.compat import compat_shell_split
from botocore.credentials import CredentialProvider, Credentials, RefreshableCredentials
from botocore.utils import parse_timestamp

from ecr_credhelper.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_OUTPUT = 1024 * 1024
"""Maximum number of bytes of standard output: credentials need less than 10 KiB."""

MAX_LINE = 200
"""Maximum number of characters of the process's error text in our error."""

LINGER = 1
"""Seconds to wait for the end of the streams after the process has ended: its children can keep them open."""

REQUIRED = ("AccessKeyId", "SecretAccessKey")

RUN_IT = "run it in a terminal"
ONLY_JSON = "make it write other text to standard error"
FORMAT = "check its documentation for the AWS credential_process format"
RENEW = "log in again with its tool, or clear that tool's cache"

ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|.)")
"""ANSI escape sequences."""

SECRET = re.compile(
    r"(?i)(?P<name>[\w-]*(?:secret|password|passwd|token|credential|authorization)[\w-]*[\"']?\s*[:=]\s*)\S+"
    r"|(?<=://)[^/@\s]+(?=@)|[?&]\S+|\b(?:AKIA|ASIA)\w{12,}|(?=[\w+/=-]*\d)[\w+/=-]{32,}"
)
"""Values that look like secrets: after their name, in URLs, key IDs, and long texts with digits."""


class ProcessProvider(CredentialProvider):
    """Returns the credentials that the ``credential_process`` of a profile writes.

    ``deadline`` is the number of seconds after which the process is killed.
    """

    METHOD = "custom-process"

    def __init__(
        self, profile: str, load_config: "Callable[[], Any]", host: str, deadline: float | None = None
    ) -> None:
        super().__init__()
        self._profile = profile
        self._load_config = load_config
        self._host = host
        self._deadline = deadline
        self._program = ""

    def load(self) -> Credentials | None:
        """Return the credentials, or None if the profile has no ``credential_process``."""
        command = self._load_config()["profiles"].get(self._profile, {}).get("credential_process")
        if command is None:
            return None
        keys = self._run(command)
        if keys["expiry_time"] is None:
            del keys["expiry_time"]
            return Credentials(**keys, method=self.METHOD)
        return RefreshableCredentials.create_from_metadata(keys, lambda: self._run(command), self.METHOD)

    def _run(self, command: str) -> dict[str, Any]:
        """Run a command and return its credentials."""
        arguments = self._split(command)
        try:
            process = subprocess.Popen(  # noqa: S603 - the user configured it
                arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            self._fail(*_start_problem(arguments[0], error))
        try:
            output, errors = _Reader(process.stdout, process.kill), _Reader(process.stderr)
            status = process.wait(self._deadline)
        except subprocess.TimeoutExpired:
            self._fail(f"did not end within {self._deadline:.3g} s", f"{RUN_IT} to see what it waits for")
        finally:
            _kill(process)
        text = output.text()
        if output.is_too_long:
            self._fail("wrote more than 1 MiB", "it must write one JSON object only")
        if status:
            line = last_line(errors.text())
            cause = f"failed (exit status {status})" if status > 0 else f"was ended by signal {-status}"
            self._fail(f"{cause}: {line}" if line else cause, RUN_IT)
        return self._parse(text)

    def _split(self, command: str) -> list[str]:
        try:
            arguments = list(compat_shell_split(command))
        except ValueError:
            self._fail("has an unclosed quote", "correct it in the AWS configuration")
        if not arguments:
            self._fail("is empty", "correct it in the AWS configuration")
        self._program = arguments[0]
        return arguments

    def _parse(self, text: str) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        keys = found if isinstance(found, dict) else {}
        expiration = keys.get("Expiration")
        try:
            is_expired = expiration and parse_timestamp(str(expiration)) <= dt.datetime.now(dt.UTC)
        except (ValueError, TypeError, OverflowError, RuntimeError):  # a TypeError without a time zone
            self._fail("wrote an Expiration that is not a time", "use the form 2030-01-31T12:00:00Z")
        is_object = isinstance(found, dict)
        has_text_first = "{" in text and not text.lstrip().startswith("{")
        problems = (
            (not text.strip(), "wrote nothing", RUN_IT),
            (not is_object and has_text_first, "wrote text before the JSON object", ONLY_JSON),
            (not is_object, "wrote no JSON object", ONLY_JSON),
            (keys.get("Version") != 1, "did not write Version 1", FORMAT),
            *((not _is_text(keys.get(name)), f"did not write {name}", FORMAT) for name in REQUIRED),
            (is_expired, f"returned credentials that expired at {expiration}", RENEW),
        )
        for is_wrong, problem, hint in problems:
            if is_wrong:
                self._fail(problem, hint)
        return {
            "access_key": keys["AccessKeyId"],
            "secret_key": keys["SecretAccessKey"],
            "token": keys.get("SessionToken"),
            "expiry_time": expiration,
            "account_id": keys.get("AccountId"),
        }

    def _fail(self, problem: str, hint: str) -> NoReturn:
        program = f" ({os.path.basename(self._program)})" if self._program else ""
        subject = f"profile {self._profile}{program}"
        reason = f"the credential_process of {subject} {problem}"
        raise CredentialsError(self._host, reason, hint)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process. On Linux, also kill its descendants, for example the commands of a shell script.

    A process group of its own would be simpler, but it could not prompt on the terminal.
    """
    descendants = _descendants(process.pid)
    process.kill()
    process.wait()
    for descendant in descendants:
        with suppress(OSError):
            os.kill(descendant, signal.SIGKILL)


def _descendants(process: int) -> list[int]:
    """Return the process IDs of all descendants, or nothing on systems without /proc."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()
    except OSError:
        return []
    return [found for child in map(int, children) for found in (child, *_descendants(child))]


def _start_problem(program: str, error: OSError) -> tuple[str, str]:
    """Return why a program cannot be started, and what to do."""
    problems = (
        (program.startswith("~") or "$" in program or "%" in program,
            f"has {program!r} in its path, which is not expanded", "write the absolute path"),
        (error.errno in {errno.EAGAIN, errno.ENOMEM},
            f"cannot be started ({os.strerror(error.errno or 0)})",
            "raise the limits on processes and memory"),
        (os.sep not in program and not shutil.which(program),
            "is not on the PATH that the client provides, which can differ from that of your shell",
            f"write its absolute path; to see it, run: command -v {program}"),
        (isinstance(error, PermissionError), "is not executable", f"run: chmod +x {program}"),
        (not os.path.exists(program), "does not exist", f"correct {program} in the AWS configuration"),
        (True, "is not a program that can be started", f"check the first line and the format of {program}"),
    )  # fmt: skip
    return next((problem, hint) for applies, problem, hint in problems if applies)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


class _Reader:
    """Reads a stream in a thread, up to a limit; calls ``stop`` at the limit."""

    def __init__(self, stream: Any, stop: "Callable[[], object]" = lambda: None) -> None:
        self._stream = stream
        self._stop = stop
        self._data = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._stream:
            while chunk := os.read(self._stream.fileno(), 65536):
                self._data += chunk
                if self.is_too_long:
                    self._stop()
                    return

    @property
    def is_too_long(self) -> bool:
        """Whether the stream has more bytes than allowed."""
        return len(self._data) > MAX_OUTPUT

    def text(self) -> str:
        """Return the text of the stream."""
        self._thread.join(LINGER)
        return self._data.decode("utf-8", "replace")


def last_line(text: str) -> str:
    """Return the last line of a text for an error: without escape sequences and secrets, and shortened."""
    lines = [line.strip() for line in ESCAPE.sub("", text).splitlines() if line.strip()]
    line = SECRET.sub(lambda found: f"{found['name'] or ''}…", lines[-1]) if lines else ""
    return line if len(line) <= MAX_LINE else f"{line[: MAX_LINE - 1]}…"
