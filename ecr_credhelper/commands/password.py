"""``password HOST``: what ``aws ecr get-login-password`` prints, from the cache."""

from typing import TYPE_CHECKING

from ecr_credhelper.commands.arguments import add_hosts, add_identity
from ecr_credhelper.credentials import get_credentials

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.terminal import Terminal


def arguments(parser: "argparse.ArgumentParser") -> None:
    """Take a registry and an identity."""
    add_hosts(parser, None)
    add_identity(parser)


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Print the password, and nothing else."""
    login = get_credentials(options.host, profile=options.profile, role_arn=options.role_arn)
    if terminal.shows_output:
        terminal.note("warning: the password is on your screen now; meant for a pipe: password HOST | …")
    terminal.give(login.password)
    return 0
