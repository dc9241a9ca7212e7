"""Amazon's helper: the newest package of Debian, or otherwise the one that is installed."""

import re
import shutil
import subprocess
from pathlib import Path

from benchmarks.report import say

PACKAGE = "amazon-ecr-credential-helper"
PROGRAM = "docker-credential-ecr-login"
SUITE = "sid"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
TIMEOUT_SECONDS = 120
"""Time limit for a command, in seconds: apt reads an index of 11 MB and a package of 3 MB."""


def prepare(directory: Path) -> None:
    """Download Debian's newest package and unpack it in ``directory``, without touching the system's apt."""
    say(f"{PACKAGE} of Debian {SUITE}")
    place = directory / PACKAGE
    for name in ("lists/partial", "cache/archives/partial"):
        (place / name).mkdir(parents=True)
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
        _version(_downloaded(directory))  # it can need a newer C library
    except (OSError, subprocess.SubprocessError, IndexError, StopIteration) as error:
        say(f"the download failed, so the installed one is used: {getattr(error, 'stderr', error)}")
        shutil.rmtree(place)


def find(directory: Path) -> tuple[str, str]:
    """Return the path of Amazon's helper, empty if there is none, and its name with its version."""
    downloaded = _downloaded(directory)
    program = str(downloaded) if downloaded.exists() else shutil.which(PROGRAM) or ""
    return program, f"Amazon's helper {_version(program)}" if program else "Amazon's helper"


def _downloaded(directory: Path) -> Path:
    return directory / PACKAGE / "usr/bin" / PROGRAM


def _version(program: str | Path) -> str:
    found = re.search(r"\d+\.\d+\.\d+", _run(str(program), "-v"))
    return found[0] if found else "of unknown version"


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=cwd, timeout=TIMEOUT_SECONDS
    )
    return done.stdout
