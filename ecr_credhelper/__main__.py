"""The executable ``docker-credential-ecr-py``."""

import io
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from ecr_credhelper.protocol import Reply

INTERRUPTED = 130
"""Exit status after Ctrl-C, as in shells."""

EMPTY_ON_PURPOSE = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
"""Variables whose empty value means "no file" to botocore. Users set them to isolate a process."""


def main(argv: "Sequence[str]") -> int:
    """Run one command with the standard streams and return its exit status. This raises nothing."""
    try:
        # Imported here, so that Ctrl-C during the import causes no traceback.
        from ecr_credhelper.errors import internal_error
        from ecr_credhelper.protocol import Reply

        try:
            reply = _run_command(argv)
        except Exception as error:  # noqa: BLE001 - users never see a traceback
            reply = Reply.failure(internal_error(error))
        _write(reply)
    except KeyboardInterrupt as stop:
        return getattr(stop, "status", INTERRUPTED)  # a Terminated has one
    except OSError as error:
        from ecr_credhelper.console.terminal import Terminal

        Terminal(os.environ).on_write_error(error)
        return 1
    return reply.status


def _write(reply: "Reply") -> None:
    """Write a reply; raise OSError if a part of it cannot be written."""
    if reply.stdout and sys.stdout is None:
        import errno

        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    for stream, content in ((sys.stdout, reply.stdout), (sys.stderr, reply.stderr)):
        if stream and content:
            stream.buffer.write(content)
            stream.flush()


def _run_command(argv: "Sequence[str]") -> "Reply":
    """Run a command line and return the reply."""
    from ecr_credhelper import __version__, helper
    from ecr_credhelper.errors import PROG
    from ecr_credhelper.protocol import Reply

    match argv:
        case [verb] if verb in helper.VERBS:
            stdin = sys.stdin.buffer if sys.stdin else io.BytesIO()
            return helper.Helper(os.environ, time.time, spawn).run(verb, stdin)
        case [helper.REFRESH, host]:
            return helper.Helper(os.environ, time.time, spawn).refresh(host)
        case [helper.FETCH_LATE]:
            return helper.Helper(os.environ, time.time, spawn).fetch_late()
        case ["version" | "--version" | "-V"]:
            return Reply(f"{PROG} {__version__}\n".encode())
    from ecr_credhelper.cli.dispatch import run_user_command

    return run_user_command(argv)


def spawn(*arguments: str) -> None:
    """Start this program in the background."""
    import warnings

    warnings.simplefilter("ignore")  # Python warns of a child process that is still running
    from ecr_credhelper import import_path
    from ecr_credhelper.fetch import background

    background.spawn(*arguments, needs_pythonpath=import_path.needs_pythonpath())


def run() -> "NoReturn":
    """Run the command line and end the process.

    ``os._exit`` skips the interpreter's shutdown, which takes a tenth of the time of a cached get and would
    wait for a thread that still calls AWS; see fetch/deadline.py.
    """
    isolate_imports()  # before any other import
    remove_empty_variables()
    status = main(sys.argv[1:])
    if processes := sys.modules.get("ecr_credhelper.aws.processes"):
        from ecr_credhelper.console import signals

        signals.ignore_signals()
        processes.end_all()
    if prompts := sys.modules.get("ecr_credhelper.console.prompts"):
        prompts.restore_terminal()
    os._exit(status)


def isolate_imports() -> None:
    """Remove the directories of other programs from the import path; see import_path.py."""
    scripts = (os.path.join(sys.prefix, "bin"), os.path.dirname(sys.argv[0]))
    if os.environ.get("PYTHONPATH") or sys.path[0] not in scripts or __file__.startswith(sys.path[0]):
        from ecr_credhelper import import_path

        import_path.isolate()
    else:
        del sys.path[0]  # the usual case, which needs no import


def remove_empty_variables() -> None:
    """Remove AWS variables that are set but empty, for this process and its child processes.

    Compose files and CI jobs pass variables such as ``AWS_PROFILE=""``. They mean "not set", but botocore
    looks for a profile without a name, or fails to parse a number.
    """
    for name in [*os.environ]:
        if name.startswith("AWS_") and not os.environ[name] and name not in EMPTY_ON_PURPOSE:
            del os.environ[name]


if __name__ == "__main__":
    run()
