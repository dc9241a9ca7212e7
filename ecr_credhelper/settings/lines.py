"""Find the lines of a TOML text: of its keys, and of the error that makes it invalid.

``tomllib`` has no positions of keys. A statement of TOML, a header or ``key = value``, ends at the end of a
line, and its first lines alone are not valid. The next statement is therefore the smallest number of lines
that ``tomllib`` accepts.
"""

import codecs
import re
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Key = tuple[str, ...]
"""A key with the tables that contain it."""

POSITION = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")
"""The position in a message of tomllib."""

MEANINGS = {
    r"Cannot (overwrite|mutate|declare)|Duplicate": "this key or table is already defined above",
    r"Illegal character '\\n'|Unterminated string": "a closing quote is missing",
    r"Invalid value": "not a valid value; text needs quotes",
}
"""Messages of tomllib, and their meaning in a settings file."""

UNQUOTED = re.compile(r"""\s*\[\s*registry\.([^\s"'\]]*[^\w\s"'\]-][^\s"'\]]*)""")
"""The header of a rule whose pattern needs quotes."""


def lines_of(text: str) -> dict[Key, int]:
    """Return the first line of each key and table in valid TOML. Tables in an array have no lines."""
    found: dict[Key, int] = {}
    lines = _split(text)
    table: Key = ()
    start = 0
    for end in range(1, len(lines) + 1):
        try:
            statement = tomllib.loads("\n".join(lines[start:end]))
        except (ValueError, RecursionError):
            continue
        is_header = lines[start].lstrip().startswith("[")
        keys = [(*(() if is_header else table), *key) for key in _keys(statement)]
        table = keys[-1] if is_header else table
        for key in keys:
            found.setdefault(key, start + 1)
        start = end
    return found


def _keys(table: "dict[str, object]") -> "Iterator[Key]":
    """Yield all keys in a table and in its tables."""
    for name, value in table.items():
        yield (name,)
        if isinstance(value, dict):
            yield from ((name, *key) for key in _keys(value))


def explain(error: ValueError | RecursionError, content: bytes) -> tuple[int, str]:
    """Return the line of a TOML error, or 0 if it is unknown, and the reason."""
    if content.startswith(codecs.BOM_UTF8):
        return 1, "starts with a byte order mark; save it as UTF-8 without one"
    if isinstance(error, UnicodeDecodeError):
        return content.count(b"\n", 0, error.start) + 1, "not UTF-8 text"
    message = str(error) if isinstance(error, ValueError) else "nested too deeply"
    position = POSITION.search(message)
    if not position:
        return 0, message
    lines = _split(content.decode())
    number = int(position[1] or len(lines))
    if header := UNQUOTED.match(lines[number - 1]):
        return number, quotes_needed(header[1])
    meanings = (text for pattern, text in MEANINGS.items() if re.match(pattern, message))
    return number, next(meanings, POSITION.sub("", message))


def quotes_needed(pattern: str) -> str:
    """Return the problem of a rule whose pattern needs quotes."""
    return f'a pattern with dots needs quotes: [registry."{pattern}"]'


def _split(text: str) -> list[str]:
    """Return the lines of a TOML text, without the end of the last one."""
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n")
