"""``make installers``: every installation method, offline and uninstalling too, each in a temporary home.

It needs a package index, so it is not part of the test suite; CI runs it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

INSTALLERS = {
    "pip": ["pip", "install", "."],
    "pipx": ["pipx", "install", "."],
    "uv": ["uv", "tool", "install", "--compile-bytecode", "."],
}
NAME = "docker-credential-ecr-py"
WHEELS = ["pip", "wheel", "--wheel-dir", "wheelhouse", "."]
OFFLINE = {
    "pip": ["pip", "install", "--no-index", "--find-links", "wheelhouse", NAME],
    "uv": ["uv", "tool", "install", "--no-index", "--find-links", "wheelhouse", NAME],
}
"""Commands that install from a directory of wheels, which ``WHEELS`` creates with an index."""

FAST_LAUNCHERS = ("pipx", "uv")
"""Installers whose launchers must not import ``re``, as README.md states. That of pip depends on its age."""

UNINSTALLERS = {
    "pip": ["pip", "uninstall", "--yes", NAME],
    "pipx": ["pipx", "uninstall", NAME],
    "uv": ["uv", "tool", "uninstall", NAME],
}


def install(installer: str, home: Path) -> str:
    """Install the project below ``home`` with an installer, and return its executable's version line."""
    tools = home / "tools"
    venv.create(tools, with_pip=True)
    environ = {
        "HOME": str(home),
        "PATH": os.pathsep.join((str(tools / "bin"), str(home / ".local/bin"), os.environ["PATH"])),
        "UV_PYTHON": sys.executable,
        "PIPX_DEFAULT_PYTHON": sys.executable,
        **{name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_"))},
    }
    if installer != "pip":
        subprocess.run([tools / "bin/pip", "install", "--quiet", installer], check=True, env=environ)
    subprocess.run(INSTALLERS[installer], check=True, env=environ, stdout=subprocess.DEVNULL)
    man_pages = [*home.rglob(f"share/man/man1/{NAME}.1")]
    if not man_pages:
        raise FileNotFoundError(f"no man page in {home}")
    directory = tools / "bin" if installer == "pip" else home / ".local/bin"
    output = subprocess.check_output([directory / NAME, "version"], env=environ, text=True).strip()
    if imports_re := "import re\n" in (directory / NAME).read_text():
        output += ", its launcher imports re"
    if imports_re and installer in FAST_LAUNCHERS:
        raise ValueError(output)

    def run(command: list[str], exists: bool) -> None:
        directory_of_wheels = home if "--no-index" in command else None
        subprocess.run(command, check=True, cwd=directory_of_wheels, env=environ, stdout=subprocess.DEVNULL)
        if (directory / NAME).exists() != exists:
            raise FileNotFoundError(f"{' '.join(command)}: {directory / NAME}")

    run(UNINSTALLERS[installer], exists=False)
    if installer in OFFLINE:
        wheels = [str(home / word) if word == "wheelhouse" else word for word in WHEELS]
        subprocess.run(wheels, check=True, env=environ, stdout=subprocess.DEVNULL)
        run(OFFLINE[installer], exists=True)
        run(UNINSTALLERS[installer], exists=False)
    return output


def main() -> int:
    """Run all installers; return the exit status."""
    failed = 0
    for installer, command in INSTALLERS.items():
        with tempfile.TemporaryDirectory() as home:
            try:
                output = install(installer, Path(home))
            except (OSError, ValueError, subprocess.CalledProcessError) as error:
                output, failed = f"FAILED: {error}", failed + 1
        print(f"{' '.join(command):<40} {output}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
