"""``completion SHELL``: a script with which a shell completes commands, options and registries."""

from typing import TYPE_CHECKING

from argcomplete.shell_integration import shellcode

from ecr_credhelper.errors import PROG

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal


def arguments(parser: "argparse.ArgumentParser") -> None:
    """Add the arguments of the command."""
    about = "for bash and zsh, eval the script in ~/.bashrc or ~/.zshrc"
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help=about)


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Print the script."""
    terminal.write_raw(shellcode([PROG], shell=options.shell))
    return 0
