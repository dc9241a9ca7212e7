"""Run a profile's ``credential_process`` and explain its failures.

botocore runs it without limits and reports most failures as a bare exception.

Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
"""

import datetime as dt
import errno
import json
import os
import re
import shlex
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any, NoReturn

from botocore.compat import compat_shell_split
from botocore.credentials import CredentialProvider, Credentials, RefreshableCredentials
from botocore.utils import parse_timestamp

from ecr_credhelper import fork_lock
from ecr_credhelper.aws import processes
from ecr_credhelper.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Callable

REQUIRED = ("AccessKeyId", "SecretAccessKey")
KEYS = (*REQUIRED, "SessionToken")

RUN_IT = "run it in a terminal"
ONLY_JSON = "make it write other text to standard error"
FORMAT = "check its documentation for the AWS credential_process format"
RENEW = "log in again with its tool, or clear that tool's cache"
CORRECT = "correct it in the AWS configuration"
BUSY = "try again when this machine is less busy, or set a longer deadline in the settings"

SHELL_SYNTAX = re.compile(r"\|\|?|&&?|\d?(>|<).*|\$\(.*|`.*|.*;")
"""Arguments that only a shell interprets. A quoted command of a shell is one argument and does not match."""

OPERATOR = re.compile(r"\|\|?|&&?|>>?|<|\$\(|`|;")

VARIABLE = re.compile(r"[A-Za-z_]\w*=")
"""The start of a shell command that sets a variable."""


class ProcessProvider(CredentialProvider):
    """Returns the credentials that the ``credential_process`` of a profile writes.

    The process is killed at ``end``, in the seconds of ``time.monotonic``.
    """

    METHOD = "custom-process"

    def __init__(
        self, profile: str, load_config: "Callable[[], Any]", host: str, end: float | None = None
    ) -> None:
        super().__init__()
        self._profile = profile
        self._load_config = load_config
        self._host = host
        self._end = end
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

    def _run(self, command: str | dict[str, str]) -> dict[str, Any]:
        """Run a command and return its credentials."""
        arguments = self._split(command)
        seconds = None if self._end is None else self._end - time.monotonic()
        if seconds is not None and seconds <= 0:
            self._fail("was not started: this machine is too busy", BUSY)
        try:
            result = processes.run(arguments, seconds)
        except (OSError, ValueError) as error:
            self._fail(*(_shell_problem(arguments) or _start_problem(arguments[0], error)))
        if result.is_too_long:
            self._fail("wrote more than 1 MiB", "it must write one JSON object only")
        if result.status is None:
            self._fail(
                f"did not end within {round(seconds or 0, 1):g} s", f"{RUN_IT} to see what it waits for"
            )
        text = result.output.decode("utf-8-sig", "replace")
        if result.status:
            problem = _status_problem(result.status, result.errors.decode("utf-8", "replace"))
            self._fail(*(_shell_problem(arguments) or (problem, RUN_IT)))
        found = _parse(text)
        if isinstance(found, tuple):
            self._fail(*(_shell_problem(arguments) or found))
        return self._credentials(found)

    def _split(self, command: str | dict[str, str]) -> list[str]:
        if isinstance(command, dict):  # config_errors explains it; botocore's splitter for Windows accepts it
            raise TypeError
        try:
            arguments = list(compat_shell_split(command))
        except ValueError:
            self._fail("has an unclosed quote", CORRECT)
        if not arguments or not arguments[0]:
            self._fail("is empty", CORRECT)
        self._program = "" if VARIABLE.match(arguments[0]) else arguments[0]  # its value can be a secret
        return arguments

    def _credentials(self, keys: dict[str, Any]) -> dict[str, Any]:
        """Return the credentials in the JSON object of a process, as botocore's parameters."""
        expiration = keys.get("Expiration")
        try:
            is_expired = expiration is not None and _is_over(expiration)
        except (ValueError, TypeError, OverflowError, RuntimeError):  # a TypeError without a time zone
            self._fail("wrote an Expiration that is not a time", "use the form 2030-01-31T12:00:00Z")
        token = keys.get("SessionToken")
        problems = (
            (keys.get("Version") != 1, "did not write Version 1", FORMAT),
            *((not _is_text(keys.get(name) or None), f"did not write {name}", FORMAT) for name in REQUIRED),
            (token is not None and not _is_text(token), "wrote a SessionToken that is not a text", FORMAT),
            *((not _is_key(keys.get(name)), f"wrote {name} with {_wrong_part(keys.get(name))}",
                "correct the key where the program reads it") for name in KEYS),
            (is_expired, f"returned credentials that expired at {expiration}", RENEW),
        )  # fmt: skip
        for is_wrong, problem, hint in problems:
            if is_wrong:
                self._fail(problem, hint)
        account = keys.get("AccountId")
        return {
            "access_key": keys["AccessKeyId"],
            "secret_key": keys["SecretAccessKey"],
            "token": token or None,
            "expiry_time": expiration,
            "account_id": account if _is_text(account) else None,
        }

    def _fail(self, problem: str, hint: str) -> NoReturn:
        program = f" ({os.path.basename(self._program)})" if self._program else ""
        subject = f"profile {self._profile}{program}"
        reason = f"the credential_process of {subject} {problem}"
        raise CredentialsError(self._host, reason, hint)


def _parse(text: str) -> dict[str, Any] | tuple[str, str]:
    """Return the JSON object in the output of a process, or what is wrong with it and what to do."""
    text = text.strip()
    if not text:
        return "wrote nothing", RUN_IT
    try:
        found, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        found, end = None, 0
    if isinstance(found, dict):
        return ("wrote text after the JSON object", ONLY_JSON) if text[end:] else found
    is_late = not isinstance(found, list) and "{" in text and not text.startswith("{")
    return ("wrote text before the JSON object" if is_late else "wrote no JSON object"), ONLY_JSON


def _is_over(expiration: object) -> bool:
    """Return whether a time has passed; raise an exception if it is not a time."""
    if not isinstance(expiration, str):
        raise TypeError
    return bool(parse_timestamp(expiration) <= dt.datetime.now(dt.UTC))


def _status_problem(status: int, errors: str) -> str:
    with fork_lock():
        from ecr_credhelper.aws.redaction import useful_line  # its patterns take a millisecond

    line = useful_line(errors)
    cause = f"failed (exit status {status})" if status > 0 else f"was ended by signal {-status}"
    return f"{cause}: {line}" if line else cause


def _shell_problem(arguments: list[str]) -> tuple[str, str] | None:
    """Return why a command that only a shell understands has failed, and what to do."""
    syntax = VARIABLE.match(arguments[0])
    for argument in arguments:
        if syntax is None and SHELL_SYNTAX.fullmatch(argument):
            syntax = OPERATOR.search(argument)  # the rest can be a secret
    if syntax is None:
        return None
    return f"uses shell syntax ({syntax[0]}), but no shell runs it", "move the command to a script"


def _start_problem(program: str, error: OSError | ValueError) -> tuple[str, str]:
    """Return why a program cannot be started, and what to do."""
    number = error.errno if isinstance(error, OSError) else None
    found = shutil.which(program)  # On Windows, with a suffix. It finds paths too.
    path = found or (program if os.path.dirname(program) else shutil.which(program, os.F_OK)) or ""
    is_windows = os.name == "nt"
    quoted, quoted_path = (
        subprocess.list2cmdline([text]) if is_windows else shlex.quote(text) for text in (program, path)
    )
    find = "where.exe" if is_windows else "command -v"
    cannot = f"cannot be started ({os.strerror(number or 0)})"
    problems = (
        (isinstance(error, ValueError), "contains a null character", CORRECT),
        (not os.path.exists(path) and (program.startswith("~") or "$" in program or "%" in program),
            f"has {program!r} in its path, which is not expanded", "write the absolute path"),
        (number in {errno.EAGAIN, errno.ENOMEM}, cannot, "raise the limits on processes and memory"),
        (number in {errno.EMFILE, errno.ENFILE}, cannot, "raise the limit on open files"),
        (not path,
            "is not on the PATH that the client provides, which can differ from that of your shell",
            f"write its absolute path; to see it, run: {find} {quoted}"),
        (os.path.isdir(path), f"is a directory: {program}", "write the path of the program"),
        (not os.path.exists(path), "does not exist", f"correct {quoted} in the AWS configuration"),
        (not os.access(path, os.X_OK), "is not executable", f"run: chmod +x {quoted_path}"),
        (number == errno.ENOENT and os.path.basename(path).lower() != os.path.basename(program).lower(),
            "is started only with its suffix", f"write it as {os.path.basename(path)}"),
        (number in {errno.ENOENT, errno.ENOEXEC, errno.EACCES, errno.ENOTDIR},
            "is not a program that can be started", f"check the first line and the format of {quoted_path}"),
        (True, cannot, RUN_IT),
    )  # fmt: skip
    return next((problem, hint) for applies, problem, hint in problems if applies)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_key(value: object) -> bool:
    """Return whether a key, if there is one, has only characters that can be sent to AWS."""
    return not isinstance(value, str) or (value.isascii() and value.isprintable() and " " not in value)


def _wrong_part(value: object) -> str:
    return (
        "a line break"
        if isinstance(value, str) and {"\n", "\r"} & {*value}
        else "a character that no key has"
    )
