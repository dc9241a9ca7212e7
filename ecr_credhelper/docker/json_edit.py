"""Edit single values of a JSON text and preserve everything else: order, indentation and line endings.

The path of a value consists of the keys from the top-level object down to it. A blank text has no values.
Like Docker, match the first key of a path case-insensitively: it is a field, but registries match exactly.
"""

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ecr_credhelper.console.log import redacted
from ecr_credhelper.docker.config import BOM
from ecr_credhelper.docker.go_json import MAPS, is_same_field, reject_constant

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

BLANKS = re.compile(r"[ \t\r\n]*")
TOKEN = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")([ \t\r\n]*:)?|(?<![\w.])-?\d[\w.+-]*')
URL_USER = re.compile(r'^"(\w+:(?:\\?/){2})?.*@')


class Member(NamedTuple):
    """A member of an object: its key, and the offsets of the blanks before it, its key, colon and value."""

    key: str
    blanks: int
    begin: int
    colon: int
    value: int
    end: int


def check(text: str) -> None:
    """Raise ValueError unless the text is blank or a JSON object without duplicate keys."""
    try:
        content = _DECODER.decode(text.removeprefix(BOM)) if text.strip(f"{BOM} \t\r\n") else {}
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg}, line {error.lineno}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(content, dict):
        raise ValueError("must contain a JSON object")  # noqa: TRY004 - the type of a JSON value
    for field in MAPS:
        spellings = [key for key in content if is_same_field(key, field)]
        if len(spellings) > 1:  # Clients merge these objects, but we would edit only one of them.
            raise ValueError(f'duplicate key "{spellings[0]}", also spelt "{spellings[-1]}"')


def raw(text: str, *path: str) -> str | None:
    """Return the value at a path as JSON text, or None."""
    found = _find(text, path)
    return found and text[found.value : found.end]


def value(text: str, *path: str) -> Any:
    """Return the decoded value at a path, or None."""
    found = raw(text, *path)
    return _DECODER.decode(found) if found else None


def put(text: str, path: "Sequence[str]", new: str) -> str:
    """Return the text with JSON ``new`` at a path; raise ValueError if a parent is not an object."""
    found = _find(text, path)
    if found:
        return text[: found.value] + new + text[found.end :]
    if not path:
        return text[: text.startswith(BOM)] + new
    parent_path = path[:-1]
    parent = _find(text, parent_path)
    if parent is None or text.startswith("null", parent.value):
        return put(put(text, parent_path, "{}"), path, new)
    siblings = _members(text, parent.value)
    key = json.dumps(path[-1])
    if siblings:
        last = siblings[-1]
        colon = text[last.colon : last.value]
        blanks = text[last.blanks : last.begin]
        if not blanks and len(siblings) == 1:
            blanks = colon.partition(":")[2]
        return f"{text[: last.end]},{blanks}{key}{colon}{new}{text[last.end :]}"
    newline, unit, colon = _style(text)
    inner, outer = newline + unit * len(path), newline + unit * len(parent_path)
    return f"{text[: parent.value]}{{{inner}{key}{colon}{new}{outer}}}{text[parent.end :]}"


def remove(text: str, path: "Sequence[str]") -> str:
    """Return the text without the member at a path."""
    found = _find(text, path)
    parent = _find(text, path[:-1])
    if not found or not parent:
        return text
    siblings = _members(text, parent.value)
    index = siblings.index(found)
    if len(siblings) == 1:
        return f"{text[: parent.value]}{{}}{text[parent.end :]}"
    if index == 0:
        return text[: found.begin] + text[siblings[1].begin :]
    return text[: siblings[index - 1].end] + text[found.end :]


def masked(text: str, shown: "Collection[str]") -> str:
    """Replace all strings and numbers of a text by …, except keys and the strings in ``shown``."""
    visible = {json.dumps(string) for string in shown}

    def mask(found: re.Match[str]) -> str:
        if found[2]:
            return redacted(URL_USER.sub(r'"\1…@', found[0]))
        return found[0] if found[0] in visible else '"…"' if found[1] else "…"

    return TOKEN.sub(mask, text)


def _find(text: str, path: "Sequence[str]") -> Member | None:
    """Return the member at a path, or None. The top-level object is a member with an empty path and key."""
    start = _skip(text, int(text.startswith(BOM)))
    end = len(text.rstrip())
    found = Member("", start, start, start, start, end) if start < end else None
    for depth, key in enumerate(path):
        siblings = _members(text, found.value) if found else []
        if depth:
            found = next((member for member in siblings if member.key == key), None)
        else:
            # The last spelling takes precedence, but null leaves the value of an earlier one.
            spellings = [member for member in reversed(siblings) if is_same_field(member.key, key)]
            valued = (member for member in spellings if not text.startswith("null", member.value))
            found = next(valued, spellings[0] if spellings else None)
    return found


def _members(text: str, offset: int) -> list[Member]:
    """Return the members of the object at an offset of a checked text. ``null`` has none."""
    found: list[Member] = []
    if text.startswith("null", offset):
        return found
    if text[offset] != "{":
        raise ValueError("not an object")
    blanks = offset + 1
    while text[begin := _skip(text, blanks)] != "}":
        key, colon = _DECODER.raw_decode(text, begin)
        start = _skip(text, _skip(text, colon) + 1)
        end = _DECODER.raw_decode(text, start)[1]
        found.append(Member(key, blanks, begin, colon, start, end))
        blanks = _skip(text, end)
        blanks += text[blanks] == ","
    return found


def _style(text: str) -> tuple[str, str, str]:
    """Return the newline (if any), indentation and colon that a text uses. The defaults are Docker's."""
    root = _find(text, ())
    siblings = _members(text, root.value) if root else []
    if not siblings:
        return ("\r\n" if "\r\n" in text else "\n"), "\t", ": "
    first = siblings[0]
    blanks = text[first.blanks : first.begin]
    newline = "\r\n" if "\r\n" in blanks else "\n" if "\n" in blanks else ""
    return newline, blanks.rpartition("\n")[2] if newline else "", text[first.colon : first.value]


def _skip(text: str, offset: int) -> int:
    """Return the offset after the blanks at an offset."""
    found = BLANKS.match(text, offset)
    return found.end() if found else offset


def _unique(members: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(members)
    if len(content) < len(members):
        keys = [key for key, _ in members]
        raise ValueError(f'duplicate key "{max(keys, key=keys.count)}"')
    return content


# parse_int: int() rejects numbers of more than 4300 digits. We do not use the numbers.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=reject_constant, parse_int=float)
