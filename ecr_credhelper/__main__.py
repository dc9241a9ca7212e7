"""The executable ``docker-credential-ecr-py``: standard streams in, one reply out, one exit."""

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
"""The exit status of a program that Ctrl-C ended, as shells count it."""

EMPTY_ON_PURPOSE = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
"""Variables in which botocore takes an empty value for "no file", which isolates a process."""


def main(argv: "Sequence[str]") -> int:
    """Run one command over the standard streams; return its exit status. Nothing is raised."""
    try:
        # Not at the top: Ctrl-C while they are loaded is no traceback either.
        from ecr_credhelper.errors import internal_error
        from ecr_credhelper.protocol import Reply

        try:
            reply = answer(argv)
        except Exception as error:  # noqa: BLE001 - no traceback ever reaches a person
            reply = Reply.failure(internal_error(error))
        _write(reply)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        from ecr_credhelper.console.terminal import Terminal

        Terminal(os.environ).on_write_error(error)
        return 1
    return reply.status


def _write(reply: "Reply") -> None:
    """Write a reply; raise OSError if its reader would miss a part of it."""
    if reply.stdout and sys.stdout is None:
        import errno

        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    for stream, content in ((sys.stdout, reply.stdout), (sys.stderr, reply.stderr)):
        if stream and content:
            stream.buffer.write(content)
            stream.flush()


def answer(argv: "Sequence[str]") -> "Reply":
    """Return the reply to the command line ``argv``."""
    from ecr_credhelper import __version__, helper
    from ecr_credhelper.errors import PROG
    from ecr_credhelper.protocol import Reply

    match argv:
        case [verb] if verb in helper.VERBS:
            stdin = sys.stdin.buffer if sys.stdin else io.BytesIO()
            return helper.Helper(os.environ, time.time, spawn).run(verb, stdin)
        case [helper.REFRESH, host]:
            return helper.Helper(os.environ, time.time, spawn).refresh(host)
        case [helper.LIST_LATE]:
            return helper.Helper(os.environ, time.time, spawn).list_in_background()
        case ["version" | "--version"]:
            return Reply(f"{PROG} {__version__}\n".encode())
    return _answer_person(argv)


def _answer_person(argv: "Sequence[str]") -> "Reply":
    """Return the reply to a command line that no client of the protocol calls."""
    from ecr_credhelper import cli
    from ecr_credhelper.protocol import Reply

    match argv:
        case ["--help" | "-h" | "help"]:
            return Reply(cli.usage().encode())
        case ["--help" | "-h" | "help", name] if name in cli.NAMES:
            return Reply(status=cli.run([name, "--help"]))
        case [] if "_ARGCOMPLETE" in os.environ:  # a shell asks what could come next
            return Reply(status=cli.complete())
        case []:
            return Reply(cli.usage().encode(), status=1)
        case [name, *_] if name in cli.NAMES:
            return Reply(status=cli.run(argv))
    return Reply(f"{cli.unknown(argv[0])}\n".encode(), status=1)


def spawn(*arguments: str) -> None:
    """Start this program in the background with some arguments."""
    import warnings

    warnings.simplefilter("ignore")  # of a process that is left running: that is what it is for
    from ecr_credhelper import import_path
    from ecr_credhelper.fetch import background

    background.spawn(*arguments, needs_pythonpath=import_path.needs_pythonpath())


def run() -> "NoReturn":
    """Run the command line and end the process.

    At once, without the interpreter's farewell: that takes a tenth of the time of a warm get, and
    would wait for a thread that still waits for AWS, or for a person, who then needs the terminal back.
    """
    isolate_imports()  # first, so that nothing foreign is imported
    remove_empty_variables()
    status = main(sys.argv[1:])
    if terminal := sys.modules.get("ecr_credhelper.console.terminal"):
        terminal.restore_terminal()
    os._exit(status)


def isolate_imports() -> None:
    """Import nothing more from directories that are not ours; see import_path.py."""
    scripts = (os.path.join(sys.prefix, "bin"), os.path.dirname(sys.argv[0]))
    if os.environ.get("PYTHONPATH") or sys.path[0] not in scripts or __file__.startswith(sys.path[0]):
        from ecr_credhelper import import_path

        import_path.isolate()
    else:
        del sys.path[0]  # the usual case, for which no module need be loaded


def remove_empty_variables() -> None:
    """Remove AWS variables that are set but empty, for this process and those that it starts.

    Compose files and CI jobs pass on ``AWS_PROFILE=""`` and the like. They mean "not set", but botocore looks
    for a profile without a name, or fails to parse a number.
    """
    for name in [*os.environ]:
        if name.startswith("AWS_") and not os.environ[name] and name not in EMPTY_ON_PURPOSE:
            del os.environ[name]


if __name__ == "__main__":
    run()
