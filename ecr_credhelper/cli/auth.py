"""``auth HOST…``: print logins as a Docker configuration, or as a Kubernetes secret that contains it.

Nothing is printed unless all logins are available. Each of them is valid for at least nine more hours: a
token in the last quarter of its life is replaced first.
"""

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from ecr_credhelper.cli.kubernetes import pull_secret
from ecr_credhelper.cli.target import are_registries, target_of
from ecr_credhelper.errors import PROG, CredentialHelperError

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Print the logins of all registries as one JSON object; return 2 for a wrong command line."""
    if options.namespace and not options.kubernetes_secret:
        hint = "use --kubernetes-secret NAME --namespace NAMESPACE"
        error = CredentialHelperError(f"{PROG} auth", "--namespace needs a secret", hint)
        terminal.warn(str(error))
        return 2
    if not are_registries(options, terminal):
        return 1
    targets = [
        target_of(argument, options, terminal, is_renewed=True) for argument in dict.fromkeys(options.hosts)
    ]
    # The keys are the hosts in the names of images: a custom host, for example.
    logins = [replace(target.credentials, registry=target.host) for target in targets]
    content = logins[0].docker_config(logins[1:])
    if name := options.kubernetes_secret:
        expires_at = min(login.expires_at for login in logins).timestamp()
        content = pull_secret(content, name, options.namespace, expires_at)
    if terminal.shows_output:
        terminal.warn("warning: the passwords are visible on your screen; use a pipe: auth HOST | ...")
    terminal.write_raw(json.dumps(content, indent=2, sort_keys=True))
    return 0
