"""The YAML of CI systems in the documents: which system a block is for, what it runs, and its linters."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.commands import checked

SCHEMAS = {
    "github": ("--builtin-schema", "vendor.github-workflows"),
    "gitlab": ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
    "codebuild": ("--schemafile", str(Path(__file__).parent / "data/buildspec.json")),
}
"""Arguments of check-jsonschema, which contains the schemas of many systems, but not that of CodeBuild."""

ZIZMOR = (
    Path(sys.executable).with_name("zizmor"),
    *("--offline", "--strict-collection", "--no-progress", "--quiet"),
)
"""The command that checks whether GitHub workflows are secure."""

DOCUMENT_RULES = """\
rules:
  unpinned-uses:
    config:
      policies:
        "*": ref-pin # a commit in a document becomes outdated, and readers cannot see its version
"""


def parse(text: str) -> Any:
    """Return the first document of a YAML text. Only blocks for Kubernetes have several."""
    return next(iter(YAML(typ="safe").load_all(text)))


def system_of(content: Mapping[str, Any]) -> str | None:
    """Return the CI system that a file is for, or None if it is for Kubernetes."""
    if "apiVersion" in content:
        return None
    return "github" if "jobs" in content else "codebuild" if "phases" in content else "gitlab"


def scripts(content: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, str], str]]:
    """Yield the variables and the lines of each job's script. A step of GitHub can have several lines."""
    match system_of(content):
        case "github":
            for job in content["jobs"].values():
                yield {}, "\n".join(step["run"] for step in job["steps"] if "run" in step)
        case "codebuild":
            phases = ("install", "pre_build", "build", "post_build")  # in the order in which they run
            yield (
                {},
                "\n".join(
                    line for phase in phases for line in content["phases"].get(phase, {}).get("commands", ())
                ),
            )
        case "gitlab":
            for job in content.values():
                if "script" in job:
                    yield job.get("variables", {}), "\n".join([*job.get("before_script", ()), *job["script"]])


def check_schema(system: str, *files: Path) -> None:
    """Raise AssertionError with the report if a file does not have the form that its system requires."""
    checked([sys.executable, "-m", "check_jsonschema", *SCHEMAS[system], *files])


def check_security(files: Sequence[Path], config: Path) -> None:
    """Raise AssertionError with the report of zizmor if a GitHub workflow is not secure."""
    config.write_text(DOCUMENT_RULES)
    checked([*ZIZMOR, "--config", config, *files])
