"""``make installers``: every way of the README to install this, each in a throw-away home.

Needs a package index, so it is no part of the suite; CI runs it.
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


def install(installer: str, home: Path) -> str:
    """Install the project below ``home`` with one installer and return what its executable says."""
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
        raise FileNotFoundError(f"no man page below {home}")
    folder = tools / "bin" if installer == "pip" else home / ".local/bin"
    return subprocess.check_output([folder / NAME, "version"], env=environ, text=True).strip()


def main() -> int:
    """Go through the installers; return the exit status."""
    failed = 0
    for installer, command in INSTALLERS.items():
        with tempfile.TemporaryDirectory() as home:
            try:
                said = install(installer, Path(home))
            except (OSError, subprocess.CalledProcessError) as error:
                said, failed = f"FAILED: {error}", failed + 1
        print(f"{' '.join(command):<40} {said}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
