"""``completion SHELL``: a script that lets a shell complete commands, options and registries."""

from typing import TYPE_CHECKING

from argcomplete.shell_integration import shellcode

from ecr_credhelper.errors import PROG

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal


def arguments(parser: "argparse.ArgumentParser") -> None:
    """Take the shell."""
    parser.add_argument(
        "shell", choices=("bash", "zsh", "fish"), help="for bash and zsh: eval it at their start"
    )


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Print the script."""
    terminal.write_raw(shellcode([PROG], shell=options.shell))
    return 0
