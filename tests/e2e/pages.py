"""The Python programs in the documents, unchanged."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

_SHELL = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def programs() -> dict[str, str]:
    """Return the recipes: heading -> the one program below it."""
    sections = (DOCS / "how-to/use-from-python.md").read_text(encoding="utf-8").split("\n## ")[1:]
    found = {section.partition("\n")[0]: _BLOCK.findall(section) for section in sections}
    return {heading: program for heading, (program,) in found.items()}


def script() -> str:
    """Return the one shell script of the page on scripts."""
    (found,) = _SHELL.findall((DOCS / "how-to/scripts.md").read_text(encoding="utf-8"))
    return str(found)


def files() -> dict[str, str]:
    """Return the files of the page on tests: the name on the first line -> the content."""
    blocks = _BLOCK.findall((DOCS / "how-to/test-your-code.md").read_text(encoding="utf-8"))
    return {block.partition("\n")[0].removeprefix("# "): block for block in blocks}
