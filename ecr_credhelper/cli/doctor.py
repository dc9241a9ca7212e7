"""``doctor [HOST]``: from a registry's name to a working pull, in one list of findings."""

import json
import os
from typing import TYPE_CHECKING

from ecr_credhelper.cli.options import add_hosts, add_identity
from ecr_credhelper.doctor import (
    FAILURE,
    OK,
    WARNING,
    Check,
    Context,
    Finding,
    aws,
    clients,
    machine,
    pulls,
    run_checks,
)
from ecr_credhelper.settings.rules import IdentityOverride

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal

SECONDS = 9
"""For all checks together: with the start of the program, ten."""

VERSION = 1
"""Of the shape of ``--json``: it changes when a reader would have to."""

CHECKS = (
    Check("executable", machine.executable),
    Check("path", machine.path),
    Check("docker", clients.docker),
    Check("podman", clients.podman),
    Check("registry", machine.registry),
    Check("settings", machine.rule),
    Check("fallback", machine.fallback),
    Check("cache", machine.cache),
    Check("credentials", aws.credentials),
    Check("identity", aws.identity, after=("credentials",)),
    Check("token", aws.token, after=("credentials",)),
    Check("anonymous", pulls.anonymous),
    Check("pull", pulls.pull, after=("token", "anonymous")),
    Check("clock", aws.clock, after=("identity", "anonymous")),
)
FACTS = ("account", "region", "partition", "fips", "dualstack", "public")


def arguments(parser: "argparse.ArgumentParser") -> None:
    """Take a registry or an image, and an identity."""
    add_hosts(parser, "?", "a registry, or an image to check its pull; without it, what needs no registry")
    add_identity(parser)
    parser.add_argument("--json", action="store_true", help="print the findings as one JSON object")


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Show the findings; 1 where one of them is a failure."""
    subject = Context(
        options.host or "", os.environ, IdentityOverride(options.profile or "", options.role_arn or "")
    )
    found = adjust_severity(subject, run_checks(subject, CHECKS, SECONDS, terminal.progress))
    failures, warnings = (sum(one.kind == kind for one in found) for kind in (FAILURE, WARNING))
    if options.json:
        facts = {name: getattr(subject.registry, name) for name in FACTS} if subject.registry else None
        result = {
            "version": VERSION,
            "host": subject.host or None,
            "registry": facts,
            "findings": [
                {"check": one.check, "result": one.kind, "text": one.text, "hint": one.hint} for one in found
            ],
            "failures": failures,
            "warnings": warnings,
        }
        terminal.write_raw(json.dumps(result, indent=2))
        return 1 if failures else 0
    width = max(len(check.name) for check in CHECKS)
    for one in found:
        terminal.print(f"{terminal.mark(one.kind)} {one.check:{width}}  {one.text}")
        if one.hint:
            terminal.print(
                f"  {'':{width}}  {terminal.styled(one.hint, 'dim' if one.kind == OK else 'bold')}"
            )
    terminal.print()
    terminal.print(f"failures: {failures}, warnings: {warnings}")
    return 1 if failures else 0


def adjust_severity(subject: Context, found: list[Finding]) -> list[Finding]:
    """Return the findings, a warning for each failure that a pull does not depend on.

    What a check only repeats of itself, or of those that it comes after, is left out.
    """
    harmless = {"credentials", "identity"} if subject.token else set()
    if subject.registry and subject.registry.public:  # its images can be pulled without a login
        harmless = {"credentials", "identity", "token"}
    if any(one.check == "podman" and one.kind == OK for one in found):  # one client is enough
        harmless.add("docker")
    before = {check.name: {check.name, *check.after} for check in CHECKS}
    return [
        one._replace(kind=WARNING) if one.kind == FAILURE and one.check in harmless else one
        for number, one in enumerate(found)
        if not any(each[:2] == one[:2] and each.check in before[one.check] for each in found[:number])
    ]
