"""Checks of this machine: the executable, the registry name, the settings file and the cache."""

import os
import stat
import sys
from typing import TYPE_CHECKING

from ecr_credhelper import __version__
from ecr_credhelper.console import log
from ecr_credhelper.console.wording import AS_ROOT, why_unused
from ecr_credhelper.docker.programs import which
from ecr_credhelper.doctor import FAILURE, OK, WARNING, Finding
from ecr_credhelper.errors import PROG, CredentialHelperError
from ecr_credhelper.files import is_private
from ecr_credhelper.paths import cache_directory, settings_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecr_credhelper.doctor import Context

LINK = "if you need it there, run: sudo ln -s {} /usr/local/bin/"

PATHS = {
    # platform -> programs that start others, their PATH, hint
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


def path(context: "Context") -> "Iterator[Finding]":
    """Report whether the executable is on the fixed PATH of programs such as sudo."""
    for starter, directories, hint in PATHS.get(sys.platform, ()):
        if which(PROG, {"PATH": directories}):
            yield Finding(OK, f"on the PATH of {starter}")
        else:
            text = f"not on the PATH of {starter} ({directories})"
            yield Finding(WARNING, text, hint.format(which(PROG, context.environ) or running_executable()))


def registry(context: "Context") -> "Iterator[Finding]":
    """Report the parts of the registry name, or that it is not an ECR registry."""
    found, host = context.registry, context.host
    if found:
        kinds = [name for name in ("public", "fips", "dualstack") if getattr(found, name)]
        account = f"account {found.account}" if found.account else ""
        partition = (
            f"partition {found.partition}" if found.partition else "custom host from the settings file"
        )
        yield Finding(OK, ", ".join(filter(None, (account, f"region {found.region}", partition, *kinds))))
    elif host:
        hint = "if it is a custom host for ECR, set its region in the settings file"
        yield Finding(WARNING, f"{host} is not an Amazon ECR registry", hint)
    elif context.server:
        yield Finding(FAILURE, "not a valid registry name", "use HOST or HOST/REPOSITORY:TAG")


def rule(context: "Context") -> "Iterator[Finding]":
    """Report the rule for this registry, and errors in the settings file and in the log's variable."""
    errors = [context.problem] if context.problem else []
    try:
        log.check_variable(context.environ.get(log.VARIABLE) or "debug")
    except CredentialHelperError as error:
        errors.insert(0, error)
    for problem in errors:
        yield Finding(FAILURE, f"{problem.subject}: {problem.reason}", problem.hint)
    if context.problem:
        return
    file = settings_file(context.environ) or ""
    text = file if os.path.lexists(file) else "no settings file"
    if context.registry:
        shown = context.rule._replace(external_id="…" if context.rule.external_id else "")
        fields = [f"{name} = {log.redacted(str(value))}" for name, value in shown._asdict().items() if value]
        text += f": {', '.join(fields) or 'default AWS credential chain'}"
    yield Finding(OK, text)


def fallback(context: "Context") -> "Iterator[Finding]":
    """Report whether the helper for other registries is on PATH, if the settings file names one."""
    name = context.settings.fallback() if context.settings else ""
    if name:
        program = f"docker-credential-{name}"
        found = which(program, context.environ)
        kind = OK if found else WARNING if context.registry else FAILURE
        hint = "" if found else "install it, or correct the settings file"
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
    mode = f"owner {status.st_uid}, mode {stat.S_IMODE(status.st_mode):04o}"
    if existing == directory and not is_private(directory):
        reason, hint = (
            "other users have access to it",
            "remove it; it is created again as a private directory",
        )
        if os.name != "nt" and status.st_uid != os.geteuid():
            reason, hint = "it belongs to another user", "set AWS_ECR_CACHE_DIR to a directory that you own"
        yield Finding(WARNING, f"{directory} is not used: {reason} ({mode})", hint)
    elif os.path.isdir(existing) and os.access(existing, os.W_OK | os.X_OK):
        yield Finding(
            OK, f"{directory} ({mode if existing == directory else 'created with the first token'})"
        )
    else:
        hint = "change its owner or mode, or set AWS_ECR_CACHE_DIR to a directory that you own"
        yield Finding(WARNING, f"you cannot write to {existing} ({mode})", hint)


def running_executable() -> str:
    """Return the path of the running executable; with ``python -m``, the one beside the interpreter."""
    program = os.path.abspath(sys.argv[0])
    if os.path.basename(program).startswith(PROG):
        return program
    return os.path.join(os.path.dirname(sys.executable), PROG)
