"""The programs in the documents, unchanged."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_IMAGE = "where-it-runs/container-image.md"


def programs() -> dict[str, str]:
    """Return the recipes: heading -> the one program below it."""
    sections = _read("how-to/use-from-python.md").split("\n## ")[1:]
    found = {section.partition("\n")[0]: _blocks(section, "python") for section in sections}
    return {heading: program for heading, (program,) in found.items()}


def script() -> str:
    """Return the one shell script of the page on scripts."""
    (found,) = _blocks(_read("how-to/scripts.md"), "bash")
    return found


def files() -> dict[str, str]:
    """Return the files of the page on tests: the name on the first line -> the content."""
    blocks = _blocks(_read("how-to/test-your-code.md"), "python")
    return {block.partition("\n")[0].removeprefix("# "): block for block in blocks}


def image_builds() -> list[str]:
    """Return the commands that build the container image: the ordinary one, and that without a network."""
    lines = "".join(_blocks(_read(_IMAGE), "text")).splitlines()
    return [line for line in lines if line.startswith("docker build ")]


def host_script() -> str:
    """Return the script that is a helper on a machine and runs the image."""
    (found,) = _blocks(_read(_IMAGE), "bash")
    return found


def dockerfiles() -> list[str]:
    """Return the Dockerfiles that use the image: for jobs, and two that copy from it."""
    return _blocks(_read(_IMAGE), "dockerfile")


def job_script() -> str:
    """Return the lines that the job of the page on the image runs."""
    (job,) = _blocks(_read(_IMAGE), "yaml")
    return "\n".join(re.findall(r"^    - (.+)$", job.partition("  before_script:")[2], re.MULTILINE))


def init_script() -> str:
    """Return what the init container of the page on pull secrets runs in its shell."""
    (found,) = re.findall(
        r"^ +- >-\n((?: {18}.+\n)+)", _read("how-to/kubernetes-pull-secrets.md"), re.MULTILINE
    )
    return " ".join(found.split())


def _read(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def _blocks(text: str, language: str) -> list[str]:
    return [block for found, block in _BLOCK.findall(text) if found == language]
