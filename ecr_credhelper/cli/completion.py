"""Shell completion: the script of ``completion SHELL``, and the response to a shell that runs it."""

import os
from typing import TYPE_CHECKING

from ecr_credhelper.cli import NAMES
from ecr_credhelper.errors import PROG

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Print the script."""
    from argcomplete.shell_integration import shellcode

    terminal.write_raw(shellcode([PROG], shell=options.shell))
    return 0


def complete() -> int:
    """Complete the command line of a shell; return an exit status only if no shell is asking."""
    import argcomplete

    from ecr_credhelper.cli.arguments import parser

    typed = os.environ.get("COMP_LINE", "").split()
    # This ends the process if a shell is asking.
    argcomplete.autocomplete(parser([name for name in typed if name in NAMES]))
    return 1
