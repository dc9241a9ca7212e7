"""``doctor [HOST]``: check everything from the registry name to a working pull."""

import json
import os
from typing import TYPE_CHECKING

from ecr_credhelper.console.wording import counted
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
from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.library.host_errors import NOT_ECR
from ecr_credhelper.library.hosts import resolve
from ecr_credhelper.paths import settings_file
from ecr_credhelper.settings.loader import load_settings
from ecr_credhelper.settings.rules import IdentityOverride

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal

DOCTOR_SECONDS = 9
"""Time limit for all checks together, in seconds. The whole command then takes less than ten."""

VERSION = 1
"""Version of the ``--json`` output. It changes only if programs that read the output must change."""

CHECKS = (
    Check("executable", machine.executable),
    Check("path", machine.path),
    Check("docker", clients.docker),
    Check("podman", clients.podman),
    Check("registry", machine.registry),
    Check("settings", machine.rule),
    Check("fallback", machine.fallback),
    Check("cache", machine.cache),
    Check("tls", aws.certificates),
    Check("credentials", aws.credentials),
    Check("identity", aws.identity, after=("credentials",)),
    Check("token", aws.token, after=("credentials",)),
    Check("anonymous", pulls.anonymous),
    Check("pull", pulls.pull, after=("token", "anonymous")),
    Check("clock", aws.clock, after=("identity", "anonymous")),
)
FACTS = ("account", "region", "partition", "fips", "dualstack", "public")


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Show the findings; return 1 if one of them is a failure."""
    override = IdentityOverride(options.profile or "", options.role_arn or "")
    context = Context(_server(options, terminal), os.environ, override)
    findings = adjust_severity(context, run_checks(context, CHECKS, DOCTOR_SECONDS, terminal.progress))
    failures, warnings = (sum(one.kind == kind for one in findings) for kind in (FAILURE, WARNING))
    status = 1 if failures else 0
    if options.json:
        facts = {name: getattr(context.registry, name) for name in FACTS} if context.registry else None
        result = {
            "version": VERSION,
            "host": context.host or None,
            "registry": facts,
            "findings": [
                {"check": one.check, "result": one.kind, "text": one.text, "hint": one.hint}
                for one in findings
            ],
            "failures": failures,
            "warnings": warnings,
        }
        terminal.write_raw(json.dumps(result, indent=2))
        return status
    width = max(len(check.name) for check in CHECKS)
    for kind, text, hint, check in findings:
        terminal.print(f"{terminal.mark(kind)} {check:{width}}  {text}")
        if hint:
            terminal.print(f"  {'':{width}}  {terminal.styled(hint, 'dim' if kind == OK else 'bold')}")
    terminal.print()
    terminal.print(f"{counted(failures, 'problem')}, {counted(warnings, 'warning')}")
    return status


def _server(options: "argparse.Namespace", terminal: "Terminal") -> str:
    """Return the registry or image of the argument.

    Raises:
        CredentialHelperError: the argument is misspelled. Other errors become findings.

    """
    if not options.host:
        return ""
    try:
        return resolve(
            options.host,
            load_settings(os.environ),
            region=options.region or "",
            profile=options.profile or "",
            warn=lambda text: terminal.warn(f"warning: {text}"),
        )
    except CredentialHelperError as error:
        if error.reason == NOT_ECR or error.subject == settings_file(os.environ):
            return str(options.host)
        raise


def adjust_severity(context: Context, findings: list[Finding]) -> list[Finding]:
    """Return the findings with each failure that does not prevent a pull reduced to a warning.

    Omit findings that repeat an earlier one of the same check or of a check that it waits for.
    """
    harmless = {"tls", "credentials", "identity"} if context.token else set()
    if context.registry and context.registry.public:  # Public images can be pulled without a login.
        harmless = {"tls", "credentials", "identity", "token"}
    if any(one.check == "podman" and one.kind == OK for one in findings):  # One working client is enough.
        harmless.add("docker")
    related = {check.name: {check.name, *check.after} for check in CHECKS}
    return [
        one._replace(kind=WARNING) if one.kind == FAILURE and one.check in harmless else one
        for number, one in enumerate(findings)
        if not any(
            earlier[:2] == one[:2] and earlier.check in related[one.check] for earlier in findings[:number]
        )
    ]
