"""``password [HOST]`` and ``header [HOST]``: print a login for use in scripts.

``password`` prints what ``aws ecr get-login-password`` prints, but from the cache. ``header`` prints a line
for ``curl -H @-`` that authorizes requests to the registry's HTTP API.
"""

from typing import TYPE_CHECKING

from ecr_credhelper.cli.target import target_of

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Print only the password or the header; warn if it is visible on a terminal."""
    login = target_of(options.host, options, terminal).credentials
    if options.command == "header":
        secret = f"Authorization: {login.authorization}"
        warning = "the header contains the password and is visible on your screen; use: curl -H @<(...)"
    else:
        secret = login.password
        warning = "the password is visible on your screen; use a pipe: password HOST | ..."
    if terminal.shows_output:
        terminal.warn(f"warning: {warning}")
    terminal.write_raw(secret)
    return 0
