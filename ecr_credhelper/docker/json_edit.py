"""Edits of a JSON text that leave alone whatever they are not about: order, indentation, line endings.

A value has a path: the keys that lead to it from the outermost object. A blank text has no values yet.
"""

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ecr_credhelper.console.log import redacted

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

BOM = "\ufeff"
BLANKS = re.compile(r"[ \t\r\n]*")
TOKEN = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")([ \t\r\n]*:)?|(?<![\w.])-?\d[\w.+-]*')
USER = re.compile(r'^"(\w+:(?:\\?/){2})?.*@')


class Member(NamedTuple):
    """Where a member of an object is in the text: the blanks before it, its key, colon and value."""

    key: str
    blanks: int
    begin: int
    colon: int
    value: int
    end: int


def check(text: str) -> None:
    """Raise a ValueError that says what is wrong, if a text is neither blank nor one unambiguous object."""
    try:
        content = _DECODER.decode(text.removeprefix(BOM)) if text.strip(f"{BOM} \t\r\n") else {}
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg}, line {error.lineno}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(content, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the text is wrong, not its type


def raw(text: str, *path: str) -> str | None:
    """Return the text of the value at a path, or None."""
    found = _find(text, path)
    return found and text[found.value : found.end]


def value(text: str, *path: str) -> Any:
    """Return the value at a path, or None."""
    found = raw(text, *path)
    return _DECODER.decode(found) if found else None


def put(text: str, path: "Sequence[str]", new: str) -> str:
    """Return the text with another value at a path, given as JSON; what is new comes last in its object.

    Raises:
        ValueError: something on the way is no object.

    """
    found = _find(text, path)
    if found:
        return text[: found.value] + new + text[found.end :]
    if not path:
        return text[: text.startswith(BOM)] + new
    above = path[:-1]
    holder = _find(text, above)
    if holder is None or text.startswith("null", holder.value):
        return put(put(text, above, "{}"), path, new)
    siblings = _members(text, holder.value)
    key = json.dumps(path[-1])
    if siblings:
        last = siblings[-1]
        colon = text[last.colon : last.value]
        blanks = text[last.blanks : last.begin]
        if not blanks and len(siblings) == 1:
            blanks = colon.partition(":")[2]
        return f"{text[: last.end]},{blanks}{key}{colon}{new}{text[last.end :]}"
    newline, unit, colon = _style(text)
    inner, outer = newline + unit * len(path), newline + unit * len(above)
    return f"{text[: holder.value]}{{{inner}{key}{colon}{new}{outer}}}{text[holder.end :]}"


def remove(text: str, path: "Sequence[str]") -> str:
    """Return the text without the member at a path, if it is there."""
    found = _find(text, path)
    holder = _find(text, path[:-1])
    if not found or not holder:
        return text
    siblings = _members(text, holder.value)
    at = siblings.index(found)
    if len(siblings) == 1:
        return f"{text[: holder.value]}{{}}{text[holder.end :]}"
    if at == 0:
        return text[: found.begin] + text[siblings[1].begin :]
    return text[: siblings[at - 1].end] + text[found.end :]


def masked(text: str, shown: "Collection[str]") -> str:
    """Return the text with … for every string and number but keys, and those that may be shown."""
    tokens = {json.dumps(one) for one in shown}

    def mask(found: re.Match[str]) -> str:
        if found[2]:
            return redacted(USER.sub(r'"\1…@', found[0]))
        return found[0] if found[0] in tokens else '"…"' if found[1] else "…"

    return TOKEN.sub(mask, text)


def _find(text: str, path: "Sequence[str]") -> Member | None:
    start = _skip(text, int(text.startswith(BOM)))
    end = len(text.rstrip())
    found = Member("", start, start, start, start, end) if start < end else None
    for key in path:
        siblings = _members(text, found.value) if found else []
        found = next((member for member in siblings if member.key == key), None)
    return found


def _members(text: str, start: int) -> list[Member]:
    """Return the members of the object that begins at a place of a text that was checked; null has none."""
    found: list[Member] = []
    if text.startswith("null", start):
        return found
    if text[start] != "{":
        raise ValueError("not an object")
    blanks = start + 1
    while text[begin := _skip(text, blanks)] != "}":
        key, colon = _DECODER.raw_decode(text, begin)
        place = _skip(text, _skip(text, colon) + 1)
        end = _DECODER.raw_decode(text, place)[1]
        found.append(Member(key, blanks, begin, colon, place, end))
        blanks = _skip(text, end)
        blanks += text[blanks] == ","
    return found


def _style(text: str) -> tuple[str, str, str]:
    """Return how a text ends its lines (if at all), indents them and writes a colon; else Docker's way."""
    root = _find(text, ())
    siblings = _members(text, root.value) if root else []
    if not siblings:
        return ("\r\n" if "\r\n" in text else "\n"), "\t", ": "
    first = siblings[0]
    blanks = text[first.blanks : first.begin]
    newline = "\r\n" if "\r\n" in blanks else "\n" if "\n" in blanks else ""
    return newline, blanks.rpartition("\n")[2] if newline else "", text[first.colon : first.value]


def _skip(text: str, place: int) -> int:
    found = BLANKS.match(text, place)
    return found.end() if found else place


def _unique(members: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(members)
    if len(content) < len(members):
        keys = [key for key, _ in members]
        raise ValueError(f'"{max(keys, key=keys.count)}" is there twice')
    return content


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")


# Numbers stay text: none is ours, and Python refuses those of more than 4300 digits.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse, parse_int=float)
