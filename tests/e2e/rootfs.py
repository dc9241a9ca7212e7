"""Base images from the programs of this machine, because no registry of base images can be reached."""

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import pip

from tests.e2e import programs
from tests.e2e.home import Home

SHELL = ("sh", "cat", "env", "find", "id", "install", "ldconfig", "ln", "ls", "rm")
"""The programs that the Dockerfiles and the jobs use."""

LIBRARIES = ("libssl.so.3", "libcrypto.so.3", "libz.so.1", "libexpat.so.1")
"""The libraries that a login needs, in addition to glibc."""

_PATH = "/usr/local/bin:/usr/bin:/bin"
_MERGED = ("bin", "lib", "lib64")
"""Directories that are links to those in /usr."""

_NOT_COPIED = shutil.ignore_patterns(
    "__pycache__", "_tkinter*", "config-*", "dist-packages", "idlelib", "site-packages", "test", "tests"
)
"""Parts of the library that slim images do not have either, and other packages."""


def add_shell(root: Path) -> None:
    """Write a Linux with glibc, a shell and ``LIBRARIES``, but without Python."""
    for name in _MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    for name in ("usr/local/bin", "usr/local/lib", "etc", "tmp"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    for file in ("/etc/ld.so.conf", *Path("/etc/ld.so.conf.d").glob("*.conf")):
        _copy(root, [str(file)])
    _add_programs(root, SHELL)
    names = "|".join(map(re.escape, LIBRARIES))
    cache = programs.run(["ldconfig", "-p"]).stdout
    found = re.findall(rf"^\s(?:{names}) .*=> (/\S+)$", cache, re.MULTILINE)
    _copy(root, {*found, *_libraries(found)})  # that of OpenSSL needs zstd in newer Debians


def add_python(root: Path) -> None:
    """Copy the Python of this process to /usr/local, with pip and the libraries that its modules need."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    binary = root / "usr/local/bin" / version
    shutil.copy(Path(sys.base_prefix, "bin", version).resolve(), binary)
    for name in ("python", "python3"):
        binary.with_name(name).symlink_to(version)
    library = root / "usr/local/lib" / version
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=_NOT_COPIED, symlinks=True)
    shutil.copytree(Path(pip.__file__).parent, library / "site-packages/pip", ignore=_NOT_COPIED)
    (library / "dist-packages").symlink_to("site-packages")  # the name in Debian
    for file in _libraries([str(binary), *map(str, library.glob("lib-dynload/*.so"))]):
        # An interpreter below /usr/local finds its own library there.
        _copy(root, [file], "usr/local/lib" if file.startswith(f"{sys.base_prefix}/lib/libpython") else None)


def add_program(root: Path, path: str, name: str) -> None:
    """Copy a program to /usr/local/bin, with its libraries."""
    _copy(root, _libraries([path]))
    (root / "usr/local/bin").mkdir(parents=True)
    shutil.copy(path, root / "usr/local/bin" / name)


def import_as(home: Home, docker: str, root: Path, tag: str) -> None:
    """Make an image of a root file system."""
    if (root / "etc/ld.so.conf").exists():
        programs.run(["ldconfig", "-r", str(root)])
    tar = home.folder / "root.tar"
    programs.run(["tar", "-C", str(root), "-cf", str(tar), "."])
    home.run(docker, "import", "--change", f"ENV PATH={_PATH}", str(tar), tag)
    tar.unlink()


def _add_programs(root: Path, names: Iterable[str]) -> None:
    for name in names:
        file = str(shutil.which(name))
        _copy(root, [file], "usr/bin")
        _copy(root, _libraries([file]))


def _libraries(files: Iterable[str]) -> set[str]:
    """Return the libraries of some programs. A static program has none, and ldd fails for it."""
    done = subprocess.run(["ldd", *files], check=False, capture_output=True, text=True)
    return set(re.findall(r"^\s+(?:\S+ => )?(/\S+) \(0x", done.stdout, re.MULTILINE))


def _copy(root: Path, files: Iterable[str], directory: str | None = None) -> None:
    """Copy files to the same path below ``root``, or into a directory there."""
    for file in files:
        parent = root / (directory or str(Path(file).parent).lstrip("/"))
        parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, parent)
