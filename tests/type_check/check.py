"""Check types as authors of programs see them: ``mypy --strict`` outside of the source tree.

The package is what is installed. Checked are ``public_api.py`` and all programs of the documents.
Needs mypy, hence ``make lint``.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.e2e import pages  # noqa: E402 - found by the line above

# Packages without types are the page's, not ours.
COMMAND = (
    *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=cache"),
    *(
        "--scripts-are-modules",
        "--disable-error-code=import-untyped",
        "--disable-error-code=import-not-found",
    ),
)


def main() -> int:
    """Write all to a folder and check it; return the exit status."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = {
            "public_api.py": (HERE / "public_api.py").read_text(encoding="utf-8"),
            **{f"recipe_{n}.py": program for n, program in enumerate(pages.programs().values())},
            **pages.files(),
        }
        for file, content in sources.items():
            (folder / file).write_text(content, encoding="utf-8")
        return subprocess.run([*COMMAND, *sources], cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
