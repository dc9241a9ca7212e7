"""Run work with a deadline.

Nothing in botocore can be stopped from outside. The work therefore runs in a thread, which the caller
abandons at the deadline or on Ctrl-C. An abandoned thread keeps running, with these consequences:

- It must not keep the process alive. It is a daemon thread, and the executable ends with ``os._exit``.
- It can hold the lock of a token. ``release`` gives the lock to other processes.
- It can have an open prompt for an MFA code. The executable restores the terminal before it ends, and a
  Python program does so with ``atexit``; see console/terminal.py.
"""

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from ecr_credhelper.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE = 25
"""Maximum duration of a get, in seconds: testcontainers-java gives up after 30."""

Result = TypeVar("Result")


def run_with_deadline(
    seconds: float,
    work: "Callable[[], Result]",
    *,
    subject: str,
    release: "Callable[[], object]" = lambda: None,
) -> "Result":
    """Return the result of ``work`` or raise its exception; raise UnreachableError after ``seconds``.

    ``release`` is called in any case. If no thread can be started, for example at a limit on processes, the
    work runs in this thread, without a deadline.
    """
    results: list[Result] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    try:
        with suppress(RuntimeError):
            thread.start()
            thread.join(seconds)
        if thread.ident is None:
            run()
    finally:
        release()
    if raised:
        raise raised[0]
    if not results:
        reason = f"the request to AWS timed out after {seconds:.3g} s"
        hint = "check the network, proxies and the source of the AWS credentials, and try again"
        raise UnreachableError(subject, reason, hint)
    return results[0]
