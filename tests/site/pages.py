"""Prepare the pages of the site from the documents in this repository.

The documents are written for readers of the repository, so they can link to any file in it. In the pages,
links to documents at the root lead to the pages of these documents, and links to other files lead to copies
below ``files``. The man page becomes a page too.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
from pathlib import Path

from tests.man_page import man_page
from tests.site.roff import markdown

ROOT = Path(__file__).parents[2]

PAGES = {
    "README.md": "index.md",
    "docs/README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""The documents whose page has another name, by their path in the repository."""

MAN_PAGE = "reference/man-page.md"
FILES = "files"
LINK = re.compile(r"(\]\()([^)#\s]+)")
FENCE = re.compile(r"^ *(```|~~~)")


def prepare(target: Path, root: Path = ROOT) -> None:
    """Write the pages, images and other files of the site below ``target``, which must not exist."""
    shutil.copytree(root / "docs", target, ignore=shutil.ignore_patterns("*.md", "*.1"))
    documents = [path.relative_to(root).as_posix() for path in root.glob("docs/**/*.md")]
    for document in (*documents, *(name for name in PAGES if "/" not in name and name != "README.md")):
        text, files = with_links_of_the_site((root / document).read_text(encoding="utf-8"), document, root)
        write(target / page_of(document), text)
        for file in files:
            copy = target / FILES / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / file, copy)
    write(target / MAN_PAGE, markdown(man_page()))


def write(path: Path, text: str) -> None:
    """Write a page, and create its directory."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def page_of(file: str) -> str:
    """Return the path in the site of a file of the repository."""
    if file in PAGES:
        return PAGES[file]
    return file.removeprefix("docs/") if file.startswith("docs/") else posixpath.join(FILES, file)


def with_links_of_the_site(text: str, document: str, root: Path) -> tuple[str, set[str]]:
    """Return a document with the links of its page, and the files that must be copied for them.

    Links to files that do not exist are not changed, so that the strict build reports them.
    """
    files: set[str] = set()
    start = posixpath.dirname(page_of(document)) or "."

    def changed(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(document), match[2]))
        if ":" in match[2] or not os.path.isfile(root / target):
            return match[0]
        page = page_of(target)
        if page.startswith(f"{FILES}/"):
            files.add(target)
        return match[1] + posixpath.relpath(page, start)

    lines, is_code = [], False
    for line in text.splitlines(keepends=True):
        is_fence = FENCE.match(line)
        is_code ^= bool(is_fence)
        lines.append(line if is_fence or is_code else LINK.sub(changed, line))
    return "".join(lines), files
