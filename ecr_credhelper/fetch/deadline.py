"""Run work with a deadline.

Nothing in botocore can be stopped from outside. The work therefore runs in a thread, which the caller
abandons at the deadline or on Ctrl-C. An abandoned thread keeps running, with these consequences:

- It must not keep the process alive. It is a daemon thread, and the executable ends with ``os._exit``.
- It can hold the lock of a token. ``release`` gives the lock to other processes.
- It can have an open prompt for an MFA code. The executable restores the terminal before it ends, and a
  Python program does so with ``atexit``; see console/terminal.py.
"""

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from ecr_credhelper.aws.progress import Stage
from ecr_credhelper.errors import PROG, CredentialHelperError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecr_credhelper.settings.loader import Settings

DEADLINE = 25
"""Maximum duration of a get, in seconds: testcontainers-java gives up after 30."""

THREAD_NAME = "ecr deadline"

MAX_WAIT = 0.5
"""Maximum duration of one wait, in seconds: Ctrl-C that comes just before a wait begins does not end it."""

BUSY_HINT = "try again when this machine is less busy, or set a longer deadline in the settings"

TIMEOUTS = {
    Stage.PREPARING: (
        "this machine is too busy: the AWS SDK was not ready after {seconds} s",
        BUSY_HINT,
    ),
    Stage.WAITING: (
        "another process was still fetching this token after {seconds} s",
        f"try again; if it still fails, run: {PROG} doctor {{subject}}",
    ),
    Stage.CREDENTIALS: (
        "the source of the AWS credentials did not respond within {seconds} s",
        f"to see which one it is, run: {PROG} doctor {{subject}}",
    ),
    Stage.PROMPT: (
        "no MFA code was entered within {seconds} s",
        "try again and enter one, or set a longer deadline in the settings",
    ),
    Stage.REQUEST: (
        "the request to {host} timed out after {seconds} s",
        "check the network, proxies and AWS_ENDPOINT_URL, and try again",
    ),
    Stage.RESPONSE: (
        "this machine is too busy: AWS responded, but the response was not processed within {seconds} s",
        BUSY_HINT,
    ),
}
"""Reason and hint of the error at the deadline, for each stage."""

Result = TypeVar("Result")


def deadline_of(settings: "Settings", maximum: float | None = None) -> float:
    """Return the deadline of a get, in seconds. ``maximum`` replaces the default and limits the settings."""
    if maximum is None:
        return float(settings.deadline or DEADLINE)
    return float(min(settings.deadline or maximum, maximum))


def timeout_error(stage: Stage, subject: str, seconds: float, host: str = "AWS") -> UnreachableError:
    """Return the error for work that was at a stage after ``seconds``. ``host`` is that of its request."""
    reason, hint = TIMEOUTS[stage]
    return UnreachableError(
        subject, reason.format(seconds=f"{round(seconds, 1):g}", host=host), hint.format(subject=subject)
    )


def run_with_deadline(
    seconds: float,
    work: "Callable[[], Result]",
    *,
    on_timeout: "Callable[[], CredentialHelperError]",
    release: "Callable[[], object]" = lambda: None,
) -> "Result":
    """Return the result of ``work`` or raise its exception. After ``seconds``, raise a timeout.

    ``on_timeout`` returns the exception for it. ``release`` is called in any case, after ``on_timeout``. If
    no thread can be started, for example at a limit on processes, the work runs in this thread, without a
    deadline.
    """
    results: list[Result] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            raised.append(error)

    end = time.monotonic() + seconds
    thread = threading.Thread(target=run, name=THREAD_NAME, daemon=True)
    try:
        with suppress(RuntimeError):
            thread.start()
            while thread.is_alive() and (left := end - time.monotonic()) > 0:
                thread.join(min(left, MAX_WAIT))
        if thread.ident is None:
            run()
        if raised:
            raise raised[0]
        if not results:
            raise on_timeout()
        return results[0]
    finally:
        release()
