"""The programs in the documents, unchanged."""

import re

from tests.pages import blocks, page

_IMAGE = "docs/where-it-runs/container-image.md"


def programs() -> dict[str, str]:
    """Return the recipes: heading -> the one program below it."""
    sections = page("docs/how-to/use-from-python.md").split("\n## ")[1:]
    found = {section.partition("\n")[0]: blocks(section, "python") for section in sections}
    return {heading: program for heading, (program,) in found.items()}


def script() -> str:
    """Return the one shell script of the page on scripts."""
    (found,) = blocks(page("docs/how-to/scripts.md"), "bash")
    return found


def files() -> dict[str, str]:
    """Return the files of the page on tests: the name on the first line -> the content."""
    found = blocks(page("docs/how-to/test-your-code.md"), "python")
    return {block.partition("\n")[0].removeprefix("# "): block for block in found}


def image_builds() -> list[str]:
    """Return the commands that build the container image: the ordinary one, and that without a network."""
    lines = "".join(blocks(page(_IMAGE), "text")).splitlines()
    return [line for line in lines if line.startswith("docker build ")]


def host_script() -> str:
    """Return the script that is a helper on a machine and runs the image."""
    (found,) = blocks(page(_IMAGE), "bash")
    return found


def dockerfiles() -> list[str]:
    """Return the Dockerfiles that use the image: for jobs, and two that copy from it."""
    return blocks(page(_IMAGE), "dockerfile")


def job_script() -> str:
    """Return the lines that the job of the page on the image runs."""
    (job,) = blocks(page(_IMAGE), "yaml")
    return "\n".join(re.findall(r"^    - (.+)$", job.partition("  before_script:")[2], re.MULTILINE))


def init_script() -> str:
    """Return what the init container of the page on pull secrets runs in its shell."""
    (found,) = re.findall(
        r"^ +- >-\n((?: {18}.+\n)+)", page("docs/how-to/kubernetes-pull-secrets.md"), re.MULTILINE
    )
    return " ".join(found.split())
