"""``completion SHELL``: a script that lets a shell complete commands, options and registries."""

from typing import TYPE_CHECKING

from argcomplete.shell_integration import shellcode

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.terminal import Terminal

PROG = "docker-credential-ecr-py"


def arguments(parser: "argparse.ArgumentParser") -> None:
    """Take the shell."""
    parser.add_argument(
        "shell", choices=("bash", "zsh", "fish"), help="for bash and zsh: eval it at their start"
    )


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Print the script."""
    terminal.give(shellcode([PROG], shell=options.shell))
    return 0
