"""Shell completion: the script of ``completion SHELL``, and the response to a shell that runs it."""

import os
from typing import TYPE_CHECKING

from ecr_credhelper.cli import NAMES
from ecr_credhelper.errors import PROG

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal

SETUP = {
    # shell: its start file, and the line to add there
    "bash": ("~/.bashrc", f'eval "$({PROG} completion bash)"'),
    "zsh": ("~/.zshrc, after compinit", f'eval "$({PROG} completion zsh)"'),
    "fish": ("~/.config/fish/config.fish", f"{PROG} completion fish | source"),
    "powershell": ("$PROFILE", f"{PROG} completion powershell | Out-String | Invoke-Expression"),
}


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Print the script of a shell; without a shell, print how to load the script in each of them."""
    if not options.shell:
        terminal.print("Add the line for your shell to its start file.")
        for shell, (file, line) in SETUP.items():
            terminal.print()
            terminal.print(f"{shell}, in {file}:")
            terminal.print(line)
        return 0
    from argcomplete.shell_integration import shellcode

    terminal.write_raw(shellcode([PROG], shell=options.shell))
    if terminal.shows_output:  # not if a shell evaluates the script
        file, line = SETUP[options.shell]
        terminal.warn(f"To load this script in every {options.shell}, add this line to {file}:")
        terminal.warn(line)
    return 0


def complete() -> int:
    """Complete the command line of a shell; return an exit status only if no shell is asking."""
    import argcomplete

    from ecr_credhelper.cli.arguments import parser
    from ecr_credhelper.cli.suggestions import suggest

    typed = os.environ.get("COMP_LINE", "").split()
    commands = parser([name for name in typed if name in NAMES])
    # This ends the process if a shell is asking. Any function can be a completer.
    argcomplete.autocomplete(commands, default_completer=suggest)  # type: ignore[arg-type]
    return 1
