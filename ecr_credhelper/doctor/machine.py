"""What is on this machine: the executable, the settings, the cache; and what a name says by itself."""

import os
import stat
import sys
from typing import TYPE_CHECKING

from ecr_credhelper import __version__
from ecr_credhelper.console import log
from ecr_credhelper.docker.programs import which
from ecr_credhelper.doctor import FAILURE, OK, WARNING, Finding
from ecr_credhelper.errors import PROG, CredentialHelperError
from ecr_credhelper.files import foreign_directory, is_private
from ecr_credhelper.paths import cache_directory, settings_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecr_credhelper.doctor import Context


LINK = "if you need it there: sudo ln -s {} /usr/local/bin/"

PATHS = {
    # platform -> who starts programs, with which PATH, and what helps
    "linux": (
        # secure_path in Debian's and others' sudoers; man systemd.exec
        ("sudo and systemd", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LINK),
    ),
    "darwin": (
        # nobody can write into those folders
        (
            "launchd",
            "/usr/bin:/bin:/usr/sbin:/sbin",
            "name its folder in the job's EnvironmentVariables, PATH",
        ),
    ),
}

AS_ROOT = "run sudo with -H, or set AWS_ECR_CACHE_DIR to a directory that belongs to root"
"""What to do if ``why_unused`` returns a reason."""


def executable(subject: "Context") -> "Iterator[Finding]":
    """Tell whether Docker finds it, and finds this one."""
    found, here = which(PROG, subject.environ), running_executable()
    if found is None:
        text = f"{PROG} is not on PATH, where Docker looks for it"
        yield Finding(FAILURE, text, f"add {os.path.dirname(here)} to PATH")
    elif os.path.exists(here) and not os.path.samefile(found, here):
        hint = "remove one of the two, or change the order of PATH"
        yield Finding(WARNING, f"Docker finds {found}, and this is {here}", hint)
    else:
        yield Finding(OK, f"{found}, version {__version__}")


def path(subject: "Context") -> "Iterator[Finding]":
    """Tell whether those find it who start programs with a PATH of their own."""
    for who, directories, hint in PATHS.get(sys.platform, ()):
        if which(PROG, {"PATH": directories}):
            yield Finding(OK, f"on the PATH that {who} give")
        else:
            text = f"not on the PATH that {who} give: {directories}"
            yield Finding(WARNING, text, hint.format(which(PROG, subject.environ) or running_executable()))


def registry(subject: "Context") -> "Iterator[Finding]":
    """Tell what the name, or the settings, make of the registry."""
    one, host = subject.registry, subject.host
    if one:
        kinds = [name for name in ("public", "fips", "dualstack") if getattr(one, name)]
        account = f"account {one.account}" if one.account else ""
        partition = f"partition {one.partition}" if one.partition else "by the settings file"
        yield Finding(OK, ", ".join(filter(None, (account, f"region {one.region}", partition, *kinds))))
    elif ".ecr" in host or "amazon" in host:
        hint = "it should look like 111122223333.dkr.ecr.us-west-2.amazonaws.com"
        yield Finding(FAILURE, f"{host} is not the name of an Amazon ECR registry", hint)
    elif host:
        hint = "if it stands for one, name its region in the settings file"
        yield Finding(WARNING, f"{host} is not an Amazon ECR registry", hint)
    elif subject.server:
        yield Finding(FAILURE, "that is not the name of a registry", "give HOST or HOST/REPOSITORY:TAG")


def rule(subject: "Context") -> "Iterator[Finding]":
    """Tell what the settings say of this registry, and what is wrong with the log's variable."""
    errors = [_log_problem(subject), subject.problem]
    for error in filter(None, errors):
        yield Finding(FAILURE, f"{error.subject}: {error.reason}", error.hint)
    if subject.problem:
        return
    file = settings_file(subject.environ) or ""
    text = file if os.path.lexists(file) else "no settings file"
    if subject.registry:
        hidden = subject.rule._replace(external_id="…" if subject.rule.external_id else "")
        said = [f"{name} = {log.redacted(str(value))}" for name, value in hidden._asdict().items() if value]
        text += f": {', '.join(said) or 'the default chain of the AWS SDK'}"
    yield Finding(OK, text)


def fallback(subject: "Context") -> "Iterator[Finding]":
    """Tell where the logins of other registries come from, if the settings name a helper for them."""
    name = subject.settings.fallback() if subject.settings else ""
    if name:
        program = f"docker-credential-{name}"
        found = which(program, subject.environ)
        kind = OK if found else WARNING if subject.registry else FAILURE
        hint = "" if found else "install it, or correct the settings file"
        yield Finding(kind, f"for other registries: {found or f'{program}, which is not on PATH'}", hint)


def cache(subject: "Context") -> "Iterator[Finding]":
    """Tell whether tokens can be kept, where nobody else reads them."""
    directory = cache_directory(subject.environ)
    if subject.environ.get("AWS_ECR_DISABLE_CACHE"):
        yield Finding(WARNING, "off: every pull asks AWS", "unset AWS_ECR_DISABLE_CACHE")
        return
    if directory is None:
        yield Finding(WARNING, "there is no place for it: every pull asks AWS", "set AWS_ECR_CACHE_DIR")
        return
    if why := why_unused(directory):
        yield Finding(WARNING, f"{directory} is not used: {why}, so every pull asks AWS", AS_ROOT)
        return
    there = directory
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    status = os.lstat(there)
    mode = f"owner {status.st_uid}, mode {stat.S_IMODE(status.st_mode):04o}"
    if there == directory and not is_private(directory):
        why, hint = "others could look into it", "remove it: it is made anew, for you alone"
        if os.name != "nt" and status.st_uid != os.geteuid():
            why, hint = "it belongs to somebody else", "set AWS_ECR_CACHE_DIR to a folder of your own"
        yield Finding(WARNING, f"{directory} is not used, {why} ({mode})", hint)
    elif os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK):
        yield Finding(
            OK, f"{directory} ({mode})" if there == directory else f"{directory}, made with the first token"
        )
    else:
        hint = "make it yours, or set AWS_ECR_CACHE_DIR to a folder that is"
        yield Finding(WARNING, f"you cannot write into {there} ({mode})", hint)


def _log_problem(subject: "Context") -> CredentialHelperError | None:
    try:
        log.check_variable(subject.environ.get(log.VARIABLE) or "debug")
    except CredentialHelperError as error:
        return error
    return None


def running_executable() -> str:
    """Return the executable that runs now; with ``python -m``, the one beside the interpreter."""
    program = os.path.abspath(sys.argv[0])
    if os.path.basename(program).startswith(PROG):
        return program
    return os.path.join(os.path.dirname(sys.executable), PROG)


def why_unused(cache_directory: str) -> str:
    """Return why root does not use this cache directory, or an empty string."""
    foreign = foreign_directory(cache_directory)
    if foreign is None:
        return ""
    import pwd

    directory, uid = foreign
    try:
        owner = pwd.getpwuid(uid).pw_name
    except KeyError:
        owner = str(uid)
    return f"{directory} belongs to user {owner}, and this process runs as root"
