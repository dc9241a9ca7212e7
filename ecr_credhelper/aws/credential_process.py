"""Run a profile's ``credential_process`` and explain its failures.

botocore runs it without limits and reports most failures as a bare exception.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
"""

import datetime as dt
import json
import os
import re
import shutil
import subprocess
import threading
from typing import TYPE_CHECKING, Any, NoReturn

from botocore.compat import compat_shell_split
from botocore.credentials import CredentialProvider, Credentials, RefreshableCredentials
from botocore.utils import parse_timestamp

from ecr_credhelper.errors import ConfigurationError, CredentialHelperError, CredentialsError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_OUTPUT = 1024 * 1024
"""Maximum number of bytes of standard output: credentials need less than 10 KiB."""

MAX_LINE = 200
"""Maximum number of characters of the process's error text in our error."""

LINGER = 1
"""Seconds to wait for the end of the streams after the process has ended: its children can keep them open."""

ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|.)")
"""ANSI escape sequences."""

SECRET = re.compile(
    r"(?i)(?P<name>[\w-]*(?:secret|password|passwd|token|credential|authorization)[\w-]*[\"']?\s*[:=]\s*)\S+"
    r"|(?<=://)[^/@\s]+(?=@)|[?&]\S+|\b(?:AKIA|ASIA)\w{12,}|[\w+/=-]{32,}"
)
"""Values that look like secrets: after their name, in URLs, key IDs and long random texts."""


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
            process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603 - the user configured it
        except OSError as error:
            self._fail_to_start(arguments[0], error)
        output, errors = _Reader(process.stdout, process.kill), _Reader(process.stderr)
        try:
            status = process.wait(self._deadline)
        except subprocess.TimeoutExpired:
            self._fail(
                f"did not end within {self._deadline:.3g} s", "run it in a terminal to see what it waits for"
            )
        finally:
            process.kill()
            process.wait()
        text = output.text()
        if output.is_too_long:
            self._fail("wrote more than 1 MiB", "it must write one JSON object only")
        if status:
            line = last_line(errors.text())
            self._fail(f"failed (exit status {status}){f': {line}' if line else ''}", "run it in a terminal")
        return self._parse(text)

    def _split(self, command: str) -> list[str]:
        try:
            arguments = compat_shell_split(command)
        except ValueError:
            self._fail("has an unclosed quote", "correct it in the AWS configuration", ConfigurationError)
        if not arguments:
            self._fail("is empty", "correct it in the AWS configuration", ConfigurationError)
        self._program = arguments[0]
        return list(arguments)

    def _fail_to_start(self, program: str, error: OSError) -> NoReturn:
        if program.startswith("~") or "$" in program or "%" in program:
            self._fail(
                f"has {program!r} in its path, which is not expanded",
                "write the absolute path",
                ConfigurationError,
            )
        if os.sep not in program and not shutil.which(program):
            hint = f"write its absolute path; to see it, run: command -v {program}"
            self._fail(
                "is not on the PATH that the client provides, which can differ from that of your shell", hint
            )
        if isinstance(error, PermissionError):
            self._fail("is not executable", f"run: chmod +x {program}")
        if isinstance(error, FileNotFoundError) and not os.path.exists(program):
            self._fail("does not exist", f"correct {program} in the AWS configuration")
        self._fail(
            "is not a program that can be started", f"check the first line and the format of {program}"
        )

    def _parse(self, text: str) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not text.strip():
            self._fail("wrote nothing", "run it in a terminal")
        if not isinstance(found, dict):
            before = "text before the JSON object" if "{" in text[1:] else "no JSON object"
            self._fail(f"wrote {before}", "make it write other text to standard error")
        if found.get("Version") != 1:
            self._fail(
                "did not write Version 1", "check its documentation for the AWS credential_process format"
            )
        for name in ("AccessKeyId", "SecretAccessKey"):
            if not isinstance(found.get(name), str) or not found[name]:
                self._fail(
                    f"did not write {name}", "check its documentation for the AWS credential_process format"
                )
        self._check_expiry(found.get("Expiration"))
        return {
            "access_key": found["AccessKeyId"],
            "secret_key": found["SecretAccessKey"],
            "token": found.get("SessionToken"),
            "expiry_time": found.get("Expiration"),
            "account_id": found.get("AccountId"),
        }

    def _check_expiry(self, expiration: object) -> None:
        if expiration is None:
            return
        try:
            time = parse_timestamp(str(expiration))
            is_past = time.astimezone(dt.UTC) <= dt.datetime.now(dt.UTC)
        except (ValueError, TypeError, OverflowError, RuntimeError):
            self._fail("wrote an Expiration that is not a time", "use the form 2030-01-31T12:00:00Z")
        if is_past:
            self._fail(
                f"returned credentials that expired at {time:%Y-%m-%d %H:%M} UTC",
                "log in again with its tool, or clear that tool's cache",
            )

    def _fail(
        self, problem: str, hint: str, kind: type[CredentialHelperError] = CredentialsError
    ) -> NoReturn:
        program = f" ({os.path.basename(self._program)})" if self._program else ""
        subject = f"profile {self._profile}{program}"
        reason = f"the credential_process of {subject} {problem}"
        raise kind(self._host, reason, hint)


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
