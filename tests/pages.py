"""Read the pages of the documents: their blocks of code and their tables."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
"""A code block. Those in a tab are indented."""


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return [textwrap.dedent(content) for _, found, content in BLOCK.findall(text) if found == language]


def session(text: str) -> list[str]:
    """Return the command lines of a terminal session."""
    return [
        line.removeprefix("$ ")
        for block in blocks(text, "console")
        for line in block.replace("\\\n", "").splitlines()
        if line.startswith("$ ")
    ]


def section(text: str, heading: str) -> str:
    return text.partition(f"\n{heading}\n")[2].partition("\n## ")[0]


def table(text: str) -> list[list[str]]:
    """Return the rows of the tables of a text, without their headings."""
    rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in text.splitlines()
        if line.startswith("| ")
    ]
    return rows[1:]
