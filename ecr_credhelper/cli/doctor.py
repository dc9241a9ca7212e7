"""``doctor [HOST]``: check everything from the registry name to a working pull."""

import json
import os
from typing import TYPE_CHECKING

from ecr_credhelper import paths
from ecr_credhelper.cli import settings_file
from ecr_credhelper.console.wording import counted
from ecr_credhelper.docker.programs import which
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
    pushes,
    run_checks,
)
from ecr_credhelper.errors import PROG, CredentialHelperError
from ecr_credhelper.library.host_errors import NOT_ECR
from ecr_credhelper.library.hosts import resolve
from ecr_credhelper.settings.loader import load_settings
from ecr_credhelper.settings.rules import IdentityOverride

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal

DOCTOR_SECONDS = 9
"""Time limit for all checks together, in seconds. The whole command then takes less than ten."""

VERSION = 1
"""Version of the ``--json`` output. It changes only if programs that read the output must change."""

SETUP, AWS, REGISTRY = "Setup", "AWS", "Registry"
"""The headings of the checks."""

CHECKS = (
    Check("executable", machine.executable, group=SETUP),
    Check("path", machine.path, group=SETUP),
    Check("docker", clients.docker, group=SETUP),
    Check("podman", clients.podman, group=SETUP),
    Check("settings", machine.rule, group=SETUP),
    Check("fallback", machine.fallback, group=SETUP),
    Check("cache", machine.cache, group=SETUP),
    Check("tls", aws.certificates, group=AWS),
    Check("credentials", aws.credentials, group=AWS),
    Check("identity", aws.identity, after=("credentials",), group=AWS),
    Check("token", aws.token, after=("credentials",), group=AWS),
    Check("clock", aws.clock, after=("identity", "network"), group=AWS),
    Check("registry", machine.registry, group=REGISTRY),
    Check("network", pulls.anonymous, group=REGISTRY),
    Check("pull", pulls.pull, after=("token", "network"), group=REGISTRY),
    Check("push", pushes.push, after=("pull",), group=REGISTRY),
)
GROUPS = (SETUP, AWS, REGISTRY)
FACTS = ("account", "region", "partition", "fips", "dualstack", "public")


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Show the findings; return 1 if one of them is a failure, and 2 if ``--push`` has no image."""
    if options.push and not pulls.image_of(options.host or ""):
        hint = "use doctor HOST/REPOSITORY:TAG --push"
        terminal.warn(str(CredentialHelperError(f"{PROG} doctor", "--push needs an image", hint)))
        return 2
    override = IdentityOverride(options.profile or "", options.role_arn or "")
    context = Context(
        _server(options, terminal),
        os.environ,
        override,
        checks_push=options.push,
        settings_problems=[(one.setting, str(one)) for one in settings_file.read(os.environ).problems],
    )
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
    _show(findings, terminal)
    counts = [
        counted(number, noun) for number, noun in ((failures, "problem"), (warnings, "warning")) if number
    ]
    terminal.print(", ".join(counts) or "No problems found")
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
        if error.reason == NOT_ECR or error.subject == paths.settings_file(os.environ):
            return str(options.host)
        raise


def _show(findings: list[Finding], terminal: "Terminal") -> None:
    """Show the findings below the headings of their checks."""
    width = max(len(check.name) for check in CHECKS)
    for group in GROUPS:
        names = {check.name for check in CHECKS if check.group == group}
        if found := [one for one in findings if one.check in names]:
            terminal.print(terminal.styled(group, "bold"))
            for one in found:
                terminal.item(one.kind, one.text, one.hint, f"{one.check:{width}}")
            terminal.print()


def adjust_severity(context: Context, findings: list[Finding]) -> list[Finding]:
    """Return the findings with each failure that does not prevent a pull reduced to a warning.

    Omit findings that repeat an earlier one of the same check or of a check that it waits for.
    """
    harmless = {"tls", "credentials", "identity"} if context.token else set()
    if context.registry and context.registry.public:  # Public images can be pulled without a login.
        harmless = {"tls", "credentials", "identity", "token"}
    working = {one.check for one in findings if one.kind == OK}
    if "podman" in working:  # One working client is enough.
        harmless.add("docker")
    if "docker" in working and which("docker", context.environ):  # podman can be installed without being used
        harmless.add("podman")
    related = {check.name: {check.name, *check.after} for check in CHECKS}
    return [
        one._replace(kind=WARNING) if one.kind == FAILURE and one.check in harmless else one
        for number, one in enumerate(findings)
        if not any(
            earlier[:2] == one[:2] and earlier.check in related[one.check] for earlier in findings[:number]
        )
    ]
