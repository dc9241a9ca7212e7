"""Fit texts and tables into the width of a terminal.

Users copy hosts, so a host is never shortened or split. Everything else is.
"""

import re
from typing import TYPE_CHECKING

from ecr_credhelper.registry import authority_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

GAP = "  "
"""Separates the columns of a table, and indents the second line of a row."""

MIN_COLUMN = 16
"""Minimum width of a shortened column in characters. With less, the columns move to a second line."""

MIN_TEXT = 20
"""Minimum width of a text in characters, however narrow the terminal is."""

ARN_START = re.compile(r"arn:[^\s,/]*:")
"""The start of an ARN, before the kind and the name of the resource."""

PART = re.compile(r'"[^"]*"|[^/,"]+[/,]*|[/,"]+')
"""A part of a path, an ARN, a list without blanks or a key with quotes."""


def wrap(text: str, width: int, indent: int) -> str:
    """Return a text in lines that fit ``width`` if a label of ``indent`` characters precedes the first one.

    The other lines start with ``indent`` blanks.
    """
    room = max(width - indent, MIN_TEXT)
    lines, line = [], ""
    for word in text.split():
        for number, part in enumerate(_parts(word, room)):
            joined = f"{line} {part}" if line and number == 0 else line + part
            is_long_word = number == 0 and part != word
            if line and (len(joined) > room or is_long_word):
                lines.append(line)
                joined = part
            line = joined
    return f"\n{' ' * indent}".join([*lines, line])


def table(
    head: "Sequence[str]",
    rows: "Sequence[Sequence[str]]",
    width: int | None = None,
    shortened: "Collection[str]" = (),
    ellipsis: str = "…",
) -> list[list[str]]:
    """Return the lines of each row of a table, the head first, with each column as wide as its longest cell.

    If a line is wider than ``width``, the columns whose titles are in ``shortened`` get narrower. If that
    does not suffice, the columns after the first one move to a second line.
    """
    rows = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if width is None:
        return [[_line(row, widths)] for row in rows]
    flexible = {number for number, title in enumerate(head) if title in shortened}
    narrow = _narrowed(widths, flexible, width, MIN_COLUMN)
    if _total(narrow) <= width:
        return [[_line(row, narrow, ellipsis)] for row in rows]
    room = max(width - len(GAP), 1)
    narrow = _narrowed(widths[1:], {number - 1 for number in flexible}, room, 1)
    return [
        [first, GAP + shorten(_line(others, narrow, ellipsis), room, ellipsis)] for first, *others in rows
    ]


def with_tilde(text: str, home: str) -> str:
    """Return a text with ``~`` for the home directory in every path."""
    if len(home) <= 1:  # the root directory, or none
        return text
    return re.sub(rf"(?<![^\s'\"(=]){re.escape(home)}(?![^\s/\\,;:)'\"])", "~", text)


def shorten(text: str, width: int, ellipsis: str = "…") -> str:
    """Return a text of at most ``width`` characters. An ARN keeps its end, any other text its start."""
    if len(text) > width:
        text = ARN_START.sub(ellipsis, text)
    return text if len(text) <= width else f"{text[: max(width - len(ellipsis), 0)]}{ellipsis}"[:width]


def _parts(word: str, room: int) -> "Iterator[str]":
    """Yield the parts of a word between which a line can break. A word that fits is not split."""
    if len(word) <= room:
        yield word
        return
    for part in PART.findall(word):
        if _is_host(part):
            yield part
        else:
            yield from (part[start : start + room] for start in range(0, len(part), room))


def _is_host(text: str) -> bool:
    return "." in text and authority_of(text.strip("/,:;()'\"")) is not None


def _narrowed(widths: "Sequence[int]", flexible: "Collection[int]", room: int, minimum: int) -> list[int]:
    """Return the widths with those of flexible columns reduced, the widest first, until a line fits."""
    narrow = list(widths)
    while _total(narrow) > room:
        widest = max(flexible, key=lambda number: narrow[number], default=None)
        if widest is None or narrow[widest] <= minimum:
            break
        narrow[widest] -= 1
    return narrow


def _total(widths: "Sequence[int]") -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _line(row: "Sequence[str]", widths: "Sequence[int]", ellipsis: str = "…") -> str:
    cells = zip(row, widths, strict=True)
    return GAP.join(shorten(cell, width, ellipsis).ljust(width) for cell, width in cells).rstrip()
