"""Explain why a server string is not an ECR registry: the error names the wrong part.

It shows only host names, their parts, and names such as ``hello_world``. Other text can be a password.
"""

import re

from ecr_credhelper.console.wording import similar
from ecr_credhelper.errors import PROG, UnsupportedRegistryError
from ecr_credhelper.library.regions import wrong_region
from ecr_credhelper.registry import (
    ACCOUNT_DIGITS,
    FORMS,
    PARTITIONS,
    PUBLIC_HOSTS,
    SCHEMES,
    authority_of,
    private_host,
)

NOT_ECR = "not an Amazon ECR registry"
CUSTOM_HOST_HINT = "for a custom host in front of ECR, set its region in the settings file"

NAME = re.compile(r"\w[\w.-]{0,62}", re.ASCII)
"""Names that an error repeats, in front of a tag or a port."""

UNNAMED = "the given registry"
"""Replaces a text that can contain a password."""

MIN_CLUES = 2
"""Number of clues that make a host look like a misspelled host of ECR."""

SIMILARITY = 0.85
"""Minimum similarity of a misspelled host to that of the public registry, where 1 is equal."""


def explain(authority: str, path: str) -> UnsupportedRegistryError:
    """Return the error for a server string, given its authority and its path."""
    if "*" in authority and "@" not in authority:
        hint = f"name each registry, or handle all of them: {PROG} configure --creds-store"
        return UnsupportedRegistryError("", "Docker does not support wildcards in host names", hint)
    subject = authority_of(authority)
    if "@" in authority or "@" in path.partition("@sha256:")[0]:
        hint = "remove the user name and the password before @"
        return UnsupportedRegistryError(UNNAMED, NOT_ECR, hint)
    if subject is None:
        return UnsupportedRegistryError(shown_name(authority), NOT_ECR, CUSTOM_HOST_HINT)
    return _wrong_part(subject.partition(":")[0]) or UnsupportedRegistryError(
        subject, NOT_ECR, CUSTOM_HOST_HINT
    )


def split(server: str) -> tuple[str, str]:
    """Return the authority of a server string, and its path with the slash."""
    text = server.strip()
    scheme = next((one for one in SCHEMES if text[: len(one)].lower() == one), "")
    authority, slash, path = text[len(scheme) :].partition("/")
    return authority, f"{slash}{path}"


def shown_name(server: str) -> str:
    """Return the host of a server string, or what an error shows instead: nothing that can be a password."""
    if authority := authority_of(server):
        return authority
    name = split(server)[0].partition(":")[0]
    return name if "@" not in server and NAME.fullmatch(name) else UNNAMED


def wrong_account(account: str) -> UnsupportedRegistryError | None:
    """Return the error for an account ID, or None if it is well-formed."""
    if not (account.isascii() and account.isdecimal()):
        reason = f"{account} is not an AWS account ID"
        return UnsupportedRegistryError("", reason, f"an AWS account ID has {ACCOUNT_DIGITS} digits")
    if len(account) != ACCOUNT_DIGITS:
        reason = f"{account} has {len(account)} digits"
        return UnsupportedRegistryError("", reason, f"an AWS account ID has {ACCOUNT_DIGITS}")
    return None


def _wrong_part(host: str) -> UnsupportedRegistryError | None:
    """Return the error that names the wrong part of a host, or None if the host does not look like ECR."""
    account, *labels = host.split(".")
    if account.isdecimal() and not labels:
        return wrong_account(account)
    clues = (
        account.isdecimal(),
        any(label.startswith(("dkr", "ecr")) for label in labels),
        "amazonaws" in host or host.endswith(".on.aws"),
    )
    if sum(clues) < MIN_CLUES:
        return _wrong_public_host(host)
    if error := wrong_account(account):
        return error
    position = next((n for n, label in enumerate(labels) if _resembles_region(label)), None)
    if position is None:
        hint = f"use {account}.dkr.ecr.REGION.amazonaws.com"
        return UnsupportedRegistryError(host, "the host name contains no region", hint)
    region = labels[position]
    service, suffix = ".".join(labels[:position]), ".".join(labels[position + 1 :])
    return wrong_region(region) or _wrong_names(account, service, region, suffix)


def _wrong_names(account: str, service: str, region: str, suffix: str) -> UnsupportedRegistryError:
    """Return the error for a host whose account and region are correct."""
    services = {labels.rstrip("."): is_dualstack for labels, _, is_dualstack in FORMS}
    correct = similar(service, services) or "dkr.ecr"
    _, _, *suffixes = next(row for row in PARTITIONS if region.startswith(row[1]))
    expected = suffixes[services[correct]]
    if expected is None:
        reason = f"{region} has no dual-stack hosts"
        return UnsupportedRegistryError("", reason, f"use {private_host(account, region)}")
    hint = f"did you mean {account}.{correct}.{region}.{expected}?"
    if service != correct:
        wrong, right = f"{account}.{service}".rstrip("."), f"{account}.{correct}"
        return UnsupportedRegistryError("", f"{wrong} must be {right}", hint)
    reason = f"{service} hosts in {region} end in .{expected}, not in .{suffix}"
    return UnsupportedRegistryError("", reason, hint)


def _resembles_region(label: str) -> bool:
    return "-" in label and not label.startswith(("dkr", "ecr"))


def _wrong_public_host(host: str) -> UnsupportedRegistryError | None:
    """Return the error for a misspelled host of the public registry, or None."""
    correct = "public.ecr.aws" if host.endswith(".ecr.aws") else similar(host, PUBLIC_HOSTS, SIMILARITY)
    return UnsupportedRegistryError(host, NOT_ECR, f"did you mean {correct}?") if correct else None
