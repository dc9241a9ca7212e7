"""A chroot of a Debian suite, for runs with programs that this machine does not have.

It needs root and mmdebstrap. Every command in it has its own mount and process namespaces: when the command
ends, for whatever reason, the kernel ends the processes that it started and removes its mounts. So only
files remain, which ``suite_chroot`` deletes. The sources of apt and pip are those of this machine.
"""

from __future__ import annotations

import ast
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]

PROGRAMS = ("mmdebstrap", "apt-get", "unshare", "setpriv", "git")

_NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
_END_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")

# dockerd and `mount -o remount` need a root that is a mount point: a bind mount of the directory onto itself.
_ENTER = """
set -e
root=$1 cache=$2 apt=$3 cwd=$4
shift 4
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount --bind "$apt" "$root/var/cache/apt/archives"
mkdir -p "$root/project/.cache"
mount --bind "$cache" "$root/project/.cache"
exec chroot "$root" sh -c 'cd "$0" && exec "$@"' "$cwd" "$@"
"""

_APT_SETTINGS = ("Acquire::http", "Acquire::Check-", "Acquire::Retries")
"""Prefixes of the apt settings that the chroot gets from here: proxies, checks of dates, and retries."""

_PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout")

_VARIABLES = ("npm_config_", "http_proxy", "https_proxy", "no_proxy")
"""Prefixes of the environment variables that the chroot gets, in any case."""

_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

_REMOVALS = 5
_REMOVAL_PAUSE = 0.2
"""The maximum number of attempts to delete the directory, and the pause between them in seconds."""


class ChrootError(Exception):
    """This machine cannot make a chroot, or a command in it failed."""


@dataclass(frozen=True)
class Chroot:
    """A Debian system in a directory, with this project's tracked files in ``/project``."""

    suite: str
    directory: Path

    def run(self, *command: str, environment: Mapping[str, str] | None = None, cwd: str = "/") -> int:
        """Run a command as root of the chroot, and return its exit status.

        It runs in the directory ``cwd``. It has only the variables of ``environment`` and those that apt,
        pip and npm need.
        """
        variables = {**self._environment(), **(environment or {})}
        return subprocess.run(
            self._inside(command, cwd), check=False, stdin=subprocess.DEVNULL, env=variables
        ).returncode

    def output(self, *command: str, environment: Mapping[str, str] | None = None, cwd: str = "/") -> str:
        """Run a command that must succeed, and return its standard output."""
        variables = {**self._environment(), **(environment or {})}
        return _output(self._inside(command, cwd), variables, shown=command)

    def install(self, packages: Iterable[str]) -> list[str]:
        """Install Debian packages, and return those that this suite does not have."""
        packages = list(packages)
        known = set(self.output("apt-cache", "pkgnames").split())
        present = [package for package in packages if package in known]
        if present:
            options = ("--yes", "--quiet=2", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0")
            self.output("apt-get", "install", *options, *present)
        return [package for package in packages if package not in known]

    def _inside(self, command: Sequence[str], cwd: str) -> list[str]:
        """Return the command that runs ``command`` in the chroot."""
        cache = PROJECT / ".cache"
        packages = cache / "apt" / self.directory.name  # apt locks it: one for each chroot
        packages.mkdir(parents=True, exist_ok=True)
        enter = ["sh", "-c", _ENTER, "sh", str(self.directory), str(cache), str(packages), cwd]
        return [*_END_WITH_PARENT, *_NAMESPACES, *enter, *command]

    @staticmethod
    def _environment() -> dict[str, str]:
        passed = {name: value for name, value in os.environ.items() if name.lower().startswith(_VARIABLES)}
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
            "NODE_EXTRA_CA_CERTS": _CERTIFICATES,
            **_pip_environment(),
            **passed,
        }


@contextmanager
def suite_chroot(suite: str, packages: Iterable[str], name: str = "") -> Iterator[Chroot]:
    """Make a chroot of a Debian suite with those of ``packages`` that the suite has; remove it at the end.

    ``name`` is the name of its directory in ``build/``: two runs at once need two names. Raise ChrootError if
    this machine cannot make one.
    """
    if obstacle := _obstacle():
        raise ChrootError(obstacle)
    # Like Ctrl-C, these end the program with its cleanup.
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    chroot = Chroot(suite, PROJECT / "build" / (name or f"chroot-{suite}"))
    _remove(chroot.directory)  # A killed run can have left it.
    try:
        _make(chroot)
        for package in chroot.install(packages):
            print(f"Debian {suite} has no package {package}", flush=True)
        yield chroot
    finally:
        _remove(chroot.directory)


def _obstacle() -> str:
    """Return why this machine cannot make a chroot, or an empty string."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "chroot: needs root on Linux; run this as root"
    if absent := [program for program in PROGRAMS if not shutil.which(program)]:
        return f"chroot: no {', '.join(absent)}; on Debian or Ubuntu: apt-get install {' '.join(absent)}"
    return ""


def _make(chroot: Chroot) -> None:
    chroot.directory.parent.mkdir(exist_ok=True)
    options = ["--mode=root", "--variant=minbase", "--include=ca-certificates", "--quiet"]
    settings = [f"--aptopt={setting}" for setting in _apt_settings()]
    what = [chroot.suite, str(chroot.directory), *_mirrors()]
    _output([*_END_WITH_PARENT, *_NAMESPACES, "--mount-proc", "mmdebstrap", *options, *settings, *what])
    authorities = Path("/usr/local/share/ca-certificates").glob("*.crt")
    for file in (Path("/etc/resolv.conf"), Path("/etc/hosts"), Path.home() / ".npmrc", *authorities):
        copy = chroot.directory / file.relative_to("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        if file.exists():
            copy.unlink(missing_ok=True)
            shutil.copy(file, copy)
    _copy_project(chroot.directory / "project")
    chroot.output("update-ca-certificates")
    chroot.output("apt-get", "update", "--quiet=2")


def _copy_project(destination: Path) -> None:
    """Copy the files of this project that git tracks, as they are now."""
    for name in filter(None, _output(["git", "-C", str(PROJECT), "ls-files", "-z"]).split("\0")):
        if not (PROJECT / name).exists():
            continue  # It was removed, and the removal is not committed.
        (destination / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, destination / name, follow_symlinks=False)


def _mirrors() -> list[str]:
    """Return where apt gets Debian from; on another system nothing, for the default of mmdebstrap."""
    listed = _output(["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"])
    return [line.partition(" ")[2] for line in listed.splitlines() if line.startswith("Debian ")][:1]


def _apt_settings() -> list[str]:
    settings = _output(["apt-config", "dump"]).splitlines()
    return [line for line in settings if line.startswith(_APT_SETTINGS) and not line.endswith(' "";')]


def _pip_environment() -> dict[str, str]:
    """Return the indexes of pip as variables, without local directories: the chroot does not have them."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    found: dict[str, str] = {}
    for line in listed.stdout.splitlines():
        key, _, value = line.partition("=")
        option = key.rpartition(".")[2]
        words = [word for word in ast.literal_eval(value).split() if not word.startswith(("/", "file:"))]
        if option in _PIP_SETTINGS and words:
            # Variables are listed before files, and take precedence.
            found.setdefault(f"PIP_{option.replace('-', '_').upper()}", " ".join(words))
    return found


def _output(
    command: Sequence[str], environment: Mapping[str, str] | None = None, shown: Sequence[str] = ()
) -> str:
    """Return the standard output of a command. Its standard error is shown only if it fails."""
    done = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment
    )
    if done.returncode != 0:
        raise ChrootError(
            f"{shlex.join(shown or command)}: exit status {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def _remove(directory: Path) -> None:
    """Delete the chroot. After Ctrl-C, its processes can still write until the kernel has ended them."""
    for _ in range(_REMOVALS - 1):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        time.sleep(_REMOVAL_PAUSE)
    shutil.rmtree(directory)
