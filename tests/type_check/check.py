"""Check ``public_api.py`` and all programs in the documents with ``mypy --strict`` outside the source tree.

Users see the installed package in the same way. ``make lint`` runs this script, because it needs mypy.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.e2e import pages  # noqa: E402 - needs the line above

# The programs import packages that have no types.
COMMAND = (
    *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=cache"),
    *(
        "--scripts-are-modules",
        "--disable-error-code=import-untyped",
        "--disable-error-code=import-not-found",
    ),
)


def main() -> int:
    """Copy all files to a temporary directory, check them, and return the exit status."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        sources = {
            "public_api.py": (HERE / "public_api.py").read_text(encoding="utf-8"),
            **{f"recipe_{n}.py": program for n, program in enumerate(pages.programs().values())},
            **pages.files(),
        }
        for file, content in sources.items():
            (directory / file).write_text(content, encoding="utf-8")
        return subprocess.run([*COMMAND, *sources], cwd=directory, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
