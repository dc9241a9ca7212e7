"""What is on this machine: the executable, the settings, the cache; and what a name says by itself."""

import os
import stat
import sys
from typing import TYPE_CHECKING

from ecr_credhelper import __version__, log
from ecr_credhelper.checks import FAILURE, OK, WARNING, Finding
from ecr_credhelper.docker_config import PROG
from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.fallback import which
from ecr_credhelper.files import is_private
from ecr_credhelper.inventory import AS_ROOT, why_unused
from ecr_credhelper.places import cache_folder, settings_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecr_credhelper.checks import Subject

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


def executable(subject: "Subject") -> "Iterator[Finding]":
    """Tell whether Docker finds it, and finds this one."""
    found, here = which(PROG, subject.environ), _here()
    if found is None:
        text = f"{PROG} is not on PATH, where Docker looks for it"
        yield Finding(FAILURE, text, f"add {os.path.dirname(here)} to PATH")
    elif os.path.exists(here) and not os.path.samefile(found, here):
        advice = "remove one of the two, or change the order of PATH"
        yield Finding(WARNING, f"Docker finds {found}, and this is {here}", advice)
    else:
        yield Finding(OK, f"{found}, version {__version__}")


def path(subject: "Subject") -> "Iterator[Finding]":
    """Tell whether those find it who start programs with a PATH of their own."""
    for who, folders, advice in PATHS.get(sys.platform, ()):
        if which(PROG, {"PATH": folders}):
            yield Finding(OK, f"on the PATH that {who} give")
        else:
            text = f"not on the PATH that {who} give: {folders}"
            yield Finding(WARNING, text, advice.format(which(PROG, subject.environ) or _here()))


def registry(subject: "Subject") -> "Iterator[Finding]":
    """Tell what the name, or the settings, make of the registry."""
    one, host = subject.registry, subject.host
    if one:
        kinds = [name for name in ("public", "fips", "dualstack") if getattr(one, name)]
        account = f"account {one.account}" if one.account else ""
        partition = f"partition {one.partition}" if one.partition else "by the settings file"
        yield Finding(OK, ", ".join(filter(None, (account, f"region {one.region}", partition, *kinds))))
    elif ".ecr" in host or "amazon" in host:
        advice = "it should look like 111122223333.dkr.ecr.us-west-2.amazonaws.com"
        yield Finding(FAILURE, f"{host} is not the name of an Amazon ECR registry", advice)
    elif host:
        advice = "if it stands for one, name its region in the settings file"
        yield Finding(WARNING, f"{host} is not an Amazon ECR registry", advice)
    elif subject.server:
        yield Finding(FAILURE, "that is not the name of a registry", "give HOST or HOST/REPOSITORY:TAG")


def rule(subject: "Subject") -> "Iterator[Finding]":
    """Tell what the settings say of this registry, and what is wrong with the log's variable."""
    errors = [_log_problem(subject), subject.problem]
    for error in filter(None, errors):
        yield Finding(FAILURE, f"{error.subject}: {error.cause}", error.advice)
    if subject.problem:
        return
    file = settings_file(subject.environ) or ""
    text = file if os.path.lexists(file) else "no settings file"
    if subject.registry:
        hidden = subject.rule._replace(external_id="…" if subject.rule.external_id else "")
        said = [f"{name} = {log.redacted(str(value))}" for name, value in hidden._asdict().items() if value]
        text += f": {', '.join(said) or 'the default chain of the AWS SDK'}"
    yield Finding(OK, text)


def fallback(subject: "Subject") -> "Iterator[Finding]":
    """Tell where the logins of other registries come from, if the settings name a helper for them."""
    name = subject.settings.fallback() if subject.settings else ""
    if name:
        program = f"docker-credential-{name}"
        found = which(program, subject.environ)
        kind = OK if found else WARNING if subject.registry else FAILURE
        advice = "" if found else "install it, or correct the settings file"
        yield Finding(kind, f"for other registries: {found or f'{program}, which is not on PATH'}", advice)


def cache(subject: "Subject") -> "Iterator[Finding]":
    """Tell whether tokens can be kept, where nobody else reads them."""
    folder = cache_folder(subject.environ)
    if subject.environ.get("AWS_ECR_DISABLE_CACHE"):
        yield Finding(WARNING, "off: every pull asks AWS", "unset AWS_ECR_DISABLE_CACHE")
        return
    if folder is None:
        yield Finding(WARNING, "there is no place for it: every pull asks AWS", "set AWS_ECR_CACHE_DIR")
        return
    if why := why_unused(folder):
        yield Finding(WARNING, f"{folder} is not used: {why}, so every pull asks AWS", AS_ROOT)
        return
    there = folder
    while not os.path.lexists(there):
        there = os.path.dirname(there)
    status = os.lstat(there)
    mode = f"owner {status.st_uid}, mode {stat.S_IMODE(status.st_mode):04o}"
    if there == folder and not is_private(folder):
        why, advice = "others could look into it", "remove it: it is made anew, for you alone"
        if os.name != "nt" and status.st_uid != os.geteuid():
            why, advice = "it belongs to somebody else", "set AWS_ECR_CACHE_DIR to a folder of your own"
        yield Finding(WARNING, f"{folder} is not used, {why} ({mode})", advice)
    elif os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK):
        yield Finding(OK, f"{folder} ({mode})" if there == folder else f"{folder}, made with the first token")
    else:
        advice = "make it yours, or set AWS_ECR_CACHE_DIR to a folder that is"
        yield Finding(WARNING, f"you cannot write into {there} ({mode})", advice)


def _log_problem(subject: "Subject") -> CredentialHelperError | None:
    try:
        log.check_variable(subject.environ.get(log.VARIABLE) or "debug")
    except CredentialHelperError as error:
        return error
    return None


def _here() -> str:
    """Return the executable that runs now; with ``python -m``, the one beside the interpreter."""
    program = os.path.abspath(sys.argv[0])
    if os.path.basename(program).startswith(PROG):
        return program
    return os.path.join(os.path.dirname(sys.executable), PROG)
