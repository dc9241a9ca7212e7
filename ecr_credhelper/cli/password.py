"""``password HOST``: what ``aws ecr get-login-password`` prints, from the cache.

And ``header HOST``: what opens the registry's HTTP API, as a line that ``curl -H @-`` takes.
"""

from typing import TYPE_CHECKING

from ecr_credhelper.cli.options import add_hosts, add_identity
from ecr_credhelper.library.credentials import get_credentials

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal


def arguments(parser: "argparse.ArgumentParser") -> None:
    """Take a registry and an identity."""
    add_hosts(parser, None)
    add_identity(parser)


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Print the password, or the header that it makes, and nothing else."""
    login = get_credentials(options.host, profile=options.profile, role_arn=options.role_arn)
    secret, told = login.password, "the password is on your screen now; meant for a pipe: password HOST | …"
    if options.command == "header":
        secret = f"Authorization: {login.authorization}"
        told = "the header holds the password, and is on your screen now; meant for: curl -H @<(…)"
    if terminal.shows_output:
        terminal.warn(f"warning: {told}")
    terminal.write_raw(secret)
    return 0
