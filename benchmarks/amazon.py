"""Amazon's own helper: the newest package of Debian, or else the one that this machine has."""

import re
import shutil
import subprocess
from pathlib import Path

from benchmarks.report import say

PACKAGE = "amazon-ecr-credential-helper"
PROGRAM = "docker-credential-ecr-login"
SUITE = "sid"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SECONDS = 120
"""For apt to read an index of 11 MB and a package of 3 MB."""


def prepare(folder: Path) -> None:
    """Download Debian's newest package and unpack it in ``folder``, without touching the system's apt."""
    say(f"{PACKAGE} of Debian {SUITE}")
    place = folder / PACKAGE
    for needed in ("lists/partial", "cache/archives/partial"):
        (place / needed).mkdir(parents=True)
    try:
        mirror = _run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Label: Debian").split()[0]
        source = place / f"{SUITE}.list"
        source.write_text(f"deb [signed-by={KEYRING}] {mirror} {SUITE} main\n")
        settings = {
            "Dir::Etc::SourceList": source,
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": place / "lists",
            "Dir::Cache": place / "cache",
            "Acquire::Languages": "none",
            "APT::Sandbox::User": "root",  # the directory is open to its owner only
        }
        apt = ("apt-get", "--quiet", *(f"--option={name}={value}" for name, value in settings.items()))
        _run(*apt, "update", cwd=place)
        _run(*apt, "download", PACKAGE, cwd=place)
        _run("dpkg-deb", "--extract", str(next(place.glob("*.deb"))), str(place))
        _version(_downloaded(folder))  # it can need a newer C library
    except (OSError, subprocess.SubprocessError, IndexError, StopIteration) as error:
        say(f"cannot be downloaded, taking the installed one: {getattr(error, 'stderr', error)}")
        shutil.rmtree(place)


def find(folder: Path) -> tuple[str, str]:
    """Return the path of Amazon's helper, empty if there is none, and its name with its version."""
    downloaded = _downloaded(folder)
    program = str(downloaded) if downloaded.exists() else shutil.which(PROGRAM) or ""
    return program, f"Amazon's helper {_version(program)}" if program else "Amazon's helper"


def _downloaded(folder: Path) -> Path:
    return folder / PACKAGE / "usr/bin" / PROGRAM


def _version(program: str | Path) -> str:
    found = re.search(r"\d+\.\d+\.\d+", _run(str(program), "-v"))
    return found[0] if found else "of unknown version"


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=cwd, timeout=SECONDS)
    return done.stdout
