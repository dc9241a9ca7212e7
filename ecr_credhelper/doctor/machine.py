"""Checks of this machine: the executable, the registry name, the settings file and the cache."""

import os
import stat
import sys
from typing import TYPE_CHECKING

from ecr_credhelper import __version__, files
from ecr_credhelper.console import log
from ecr_credhelper.console.wording import AS_ROOT, counted, why_unused
from ecr_credhelper.docker.programs import PREFIX, running_executable, which
from ecr_credhelper.doctor import FAILURE, NOTE, OK, WARNING, Finding
from ecr_credhelper.errors import PROG, CredentialHelperError
from ecr_credhelper.library.host_errors import CUSTOM_HOST_HINT, NOT_ECR
from ecr_credhelper.paths import cache_directory, settings_file
from ecr_credhelper.settings.loader import CHECK_HINT, HINT
from ecr_credhelper.settings.validation import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ecr_credhelper.doctor import Context
    from ecr_credhelper.settings.loader import Settings

MAX_LAUNCHER = 4096
"""Maximum size of a launcher script that is read, in bytes."""

FIRST_USER = 1000
"""The lowest user ID of a person on Linux: https://systemd.io/UIDS-GIDS"""

LINK = "if you need it there, run: sudo ln -s {} /usr/local/bin/"
"""The hint to a link to the executable, whose path is filled in."""

PATHS = {
    # platform -> programs that start others, the PATH that they set, hint
    "linux": (
        # secure_path in the sudoers file of Debian and others; man systemd.exec
        ("sudo and systemd", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LINK),
    ),
    "darwin": (
        # No link, because macOS protects these directories.
        ("launchd", "/usr/bin:/bin:/usr/sbin:/sbin", "set PATH in the job's EnvironmentVariables"),
    ),
}


def executable(context: "Context") -> "Iterator[Finding]":
    """Report whether Docker finds an executable on PATH, and whether it is the running one."""
    found, running = which(PROG, context.environ), running_executable()
    if found is None:
        text = f"{PROG} is not on PATH, so Docker cannot find it"
        yield Finding(FAILURE, text, f"add {os.path.dirname(running)} to PATH")
    elif os.path.exists(running) and not os.path.samefile(found, running):
        hint = "remove one of them, or change the order of PATH"
        yield Finding(WARNING, f"Docker finds {found}, but this is {running}", hint)
    else:
        yield Finding(OK, f"{found}, version {__version__}")
    if found and _imports_re(found):
        text = "its launcher imports re, so a cached get takes 1.5 times as long"
        yield Finding(NOTE, text, "reinstall it with uv or pipx, or with pip 25.2 or later")


def _imports_re(launcher: str) -> bool:
    """Return whether a launcher script imports ``re``, as those of pip before 25.2 do."""
    try:
        with open(launcher, "rb") as file:
            lines = file.read(MAX_LAUNCHER).splitlines()
    except OSError:
        return False
    return lines[:1] != [] and lines[0].startswith(b"#!") and b"import re" in lines


def path(context: "Context") -> "Iterator[Finding]":
    """Report whether the executable is on the fixed PATH of programs such as sudo."""
    for programs, directories, hint in PATHS.get(sys.platform, ()):
        if which(PROG, {"PATH": directories}):
            yield Finding(OK, f"on the PATH of {programs}")
        else:
            kind = WARNING if _is_service(context.environ) else NOTE
            text = f"not on the PATH of {programs} ({directories})"
            yield Finding(kind, text, hint.format(which(PROG, context.environ) or running_executable()))


def _is_service(environ: "Mapping[str, str]") -> bool:
    """Return whether this process runs under sudo, or as a system account, which only services use."""
    uid = getattr(os, "geteuid", int)()
    return "SUDO_USER" in environ or (sys.platform == "linux" and 0 < uid < FIRST_USER)


def registry(context: "Context") -> "Iterator[Finding]":
    """Report the parts of the registry name, or that it is not an ECR registry."""
    found, host = context.registry, context.host
    if context.problem and not found:  # The host can be one that the settings file maps to ECR.
        return
    if found:
        kinds = [name for name in ("public", "fips", "dualstack") if getattr(found, name)]
        account = f"account {found.account}" if found.account else ""
        partition = (
            f"partition {found.partition}" if found.partition else "custom host from the settings file"
        )
        yield Finding(OK, ", ".join(filter(None, (account, f"region {found.region}", partition, *kinds))))
    elif host:
        yield Finding(WARNING, f"{host}: {NOT_ECR}", CUSTOM_HOST_HINT)
    elif context.server:
        yield Finding(FAILURE, "not a valid registry name", "use HOST or HOST/REPOSITORY:TAG")


def rule(context: "Context") -> "Iterator[Finding]":
    """Report the rule for this registry, and errors in the settings file and in the log's variable."""
    try:
        log.check_variable(context.environ.get(log.VARIABLE) or "debug")
    except CredentialHelperError as error:
        yield Finding(FAILURE, f"{error.subject}: {error.reason}", error.hint)
    finding = _settings_finding(context)
    if finding:
        yield finding
    if context.problem:
        return
    file = settings_file(context.environ) or ""
    has_file = os.path.lexists(file)
    shown = context.rule._replace(external_id="…" if context.rule.external_id else "")
    fields = [f"{name} = {log.redacted(str(value))}" for name, value in shown._asdict().items() if value]
    rule = ", ".join(fields) or "no rule for this registry"
    if finding:  # The file is not in order.
        text = f"for this registry: {rule}" if fields else ""
    elif has_file:
        text = f"{file}: {rule}" if fields or context.registry else file
    else:
        text = f"no settings file: {rule}" if fields else "no settings file (none needed)"
    if text:
        yield Finding(OK, text)


def _settings_finding(context: "Context") -> Finding | None:
    """Return the finding for the problems of the settings file, unless other checks report them."""
    problems, path = context.settings_problems, settings_file(context.environ)
    own = context.rule.pattern
    elsewhere = {"fallback", *(dotted(("registry", own, name)) for name in ("profile", "ca_bundle"))}
    error = context.problem or (_problem_elsewhere(context.settings) if context.settings else None)
    if not error and all(setting in elsewhere for setting, _ in problems):
        return None
    kind = FAILURE if context.problem or (error and not context.registry) else WARNING
    if len(problems) > 1:
        return Finding(kind, f"{path}: {counted(len(problems), 'problem')}", CHECK_HINT)
    if error:
        return Finding(kind, f"{error.subject}: {error.reason}", error.hint)
    return Finding(kind, f"{path}: {problems[0][1]}", HINT)


def _problem_elsewhere(settings: "Settings") -> CredentialHelperError | None:
    """Return a problem of the settings file that does not concern this registry."""
    try:
        settings.fallback()
        for rule in settings.rules:
            settings.raise_if_invalid(rule.pattern)
    except CredentialHelperError as error:
        return error
    return None


def fallback(context: "Context") -> "Iterator[Finding]":
    """Report whether the helper for other registries is on PATH, if the settings file names one."""
    try:
        name = context.settings.fallback() if context.settings else ""
    except CredentialHelperError:  # rule() reports it.
        return
    if name:
        program = f"{PREFIX}{name}"
        found = which(program, context.environ)
        kind = OK if found else FAILURE if context.host and not context.registry else WARNING
        hint = "" if found else "install it, or correct the settings file"
        if name.startswith(PREFIX) and not found:
            hint = f'write only the suffix in the settings file: "{name.removeprefix(PREFIX)}"'
        yield Finding(kind, f"for other registries: {found or f'{program}, which is not on PATH'}", hint)


def cache(context: "Context") -> "Iterator[Finding]":
    """Report whether tokens can be cached where no other user can read them."""
    directory = cache_directory(context.environ)
    if context.environ.get("AWS_ECR_DISABLE_CACHE"):
        yield Finding(WARNING, "disabled, so every pull calls AWS", "unset AWS_ECR_DISABLE_CACHE")
        return
    if directory is None:
        text = "no cache directory is available, so every pull calls AWS"
        yield Finding(WARNING, text, "set AWS_ECR_CACHE_DIR")
        return
    if reason := why_unused(directory):
        yield Finding(WARNING, f"{directory} is not used: {reason}, so every pull calls AWS", AS_ROOT)
        return
    existing = directory
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    status = os.lstat(existing)
    access = f" (owner {status.st_uid}, mode {stat.S_IMODE(status.st_mode):04o})" if files.HAS_OWNERS else ""
    if existing == directory and not files.is_private(directory):
        again = "remove it; it is created again as a private directory"
        if not stat.S_ISDIR(status.st_mode):
            reason, hint = "it is not a directory", again
        elif status.st_uid != os.geteuid():
            reason, hint = "it belongs to another user", "set AWS_ECR_CACHE_DIR to a directory that you own"
        else:
            reason, hint = "other users have access to it", again
        yield Finding(WARNING, f"{directory} is not used: {reason}{access}", hint)
    elif os.path.isdir(existing) and os.access(existing, os.W_OK | os.X_OK):
        state = access if existing == directory else " (created with the first token)"
        yield Finding(OK, f"{directory}{state}")
    else:
        hint = "change its owner or mode, or set AWS_ECR_CACHE_DIR to a directory that you own"
        yield Finding(WARNING, f"you cannot write to {existing}{access}", hint)
