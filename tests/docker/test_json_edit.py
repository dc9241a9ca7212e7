"""Edits of JSON texts: only what is meant changes, and taking it back leaves no trace."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.docker.json_edit import check, masked, put, raw, remove, value

BLANKS = st.text(" \t\r\n", max_size=3)
KEYS = st.text(max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def objects(draw: st.DrawFn, inside: int = 2) -> str:
    """Draw the text of an object, with blanks wherever they may be; without any where it has no members."""
    members = []
    for key in draw(st.lists(KEYS, max_size=4, unique=True)):
        content = draw(objects(inside - 1) if inside and draw(st.booleans()) else VALUES.map(json.dumps))
        name = json.dumps(key, ensure_ascii=draw(st.booleans()))
        members.append(f"{draw(BLANKS)}{name}{draw(BLANKS)}:{draw(BLANKS)}{content}{draw(BLANKS)}")
    return f"{{{','.join(members)}}}"


STRING_FIELDS = st.builds("{}{}{}{}".format, st.sampled_from(["", "\ufeff"]), BLANKS, objects(), BLANKS)
PATHS = st.lists(KEYS, min_size=1, max_size=3)


def content(text: str) -> Any:
    return json.loads(text.removeprefix("\ufeff"))


@given(STRING_FIELDS, PATHS, VALUES)
def test_what_is_put_is_there_and_nothing_else_changes(text: str, path: list[str], new: object) -> None:
    expected = place = content(text)
    for key in path[:-1]:
        if not isinstance(place.setdefault(key, {}), dict | None):
            with pytest.raises(ValueError, match="not an object"):
                put(text, path, json.dumps(new))
            return
        place[key] = place = {} if place[key] is None else place[key]
    place[path[-1]] = new
    done = put(text, path, json.dumps(new))
    assert content(done) == expected
    assert list(content(done)) == list(expected), "the order stays"
    check(done)


@given(STRING_FIELDS, PATHS, VALUES)
def test_a_new_member_leaves_no_trace(text: str, path: list[str], new: object) -> None:
    for depth in range(1, len(path) + 1):
        try:
            if raw(text, *path[:depth]) is None:
                break
        except ValueError:
            return
    else:
        return
    if raw(text, *path[: depth - 1]) != "null":
        assert remove(put(text, path, json.dumps(new)), path[:depth]) == text


@given(STRING_FIELDS, PATHS, VALUES)
def test_a_value_is_swapped_in_its_place(text: str, path: list[str], new: object) -> None:
    try:
        old = raw(text, *path)
    except ValueError:
        return
    if old is not None:
        assert put(put(text, path, json.dumps(new)), path, old) == text


@given(STRING_FIELDS, st.data())
def test_what_is_removed_is_gone_and_nothing_else_changes(text: str, data: st.DataObject) -> None:
    expected = content(text)
    key = data.draw(st.sampled_from([*expected, "another"]))
    expected.pop(key, None)
    assert content(remove(text, [key])) == expected


@given(st.binary() | st.text('{}[]":,x0 \n\\').map(str.encode))
def test_any_bytes_are_an_object_or_an_error(noise: bytes) -> None:
    text = noise.decode(errors="replace")
    try:
        check(text)
    except ValueError:
        return
    assert value(put(text, ["a"], "1"), "a") == 1


@pytest.mark.parametrize(("text", "problem"), [
    ("[]", "not an object"),
    ("null", "not an object"),
    ("3", "not an object"),
    ("{", "Expecting property name.*, line 1"),
    ('{\n"a": 1,\n}', "line [23]"),
    ('{"a": 1} x', "Extra data, line 1"),
    ('{"a": 1 // a comment\n}', "line 1"),
    ('{"a": NaN}', "NaN is no number"),
    ('{"a": -Infinity}', "-Infinity is no number"),
    ('{"a": {"b": 1, "c": 2, "b": 3}}', '"b" is there twice'),
    ('{"a": "\x07"}', "Invalid control character"),
    ("\ufeff\ufeff{}", "BOM|Expecting value"),
    ('{"a":' + "[" * 200_000, "nested too deeply"),
])  # fmt: skip
def test_a_text_that_is_not_touched(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check(text)


@pytest.mark.parametrize(("text", "done"), [
    ("", '{\n\t"a": {\n\t\t"b": 1\n\t}\n}'),
    ("\ufeff\n", '\ufeff{\n\t"a": {\n\t\t"b": 1\n\t}\n}'),
    ("{}\r\n", '{\r\n\t"a": {\r\n\t\t"b": 1\r\n\t}\r\n}\r\n'),
    ('{"x":1}', '{"x":1,"a":{"b":1}}'),
    ('{"x": 1}', '{"x": 1, "a": {"b": 1}}'),
    ('{ "x": 1 }', '{ "x": 1, "a": {"b": 1} }'),
    ('{\n  "x": 1\n}\n', '{\n  "x": 1,\n  "a": {\n    "b": 1\n  }\n}\n'),
    ('{\n"x" :1\n}', '{\n"x" :1,\n"a" :{\n"b" :1\n}\n}'),
    ('{\r\n\r\n\t"x": 1\r\n}', '{\r\n\r\n\t"x": 1,\r\n\r\n\t"a": {\r\n\t\t"b": 1\r\n\t}\r\n}'),
    ('{\n "x": 1,\n "a": {"c": 2, "d": 3}}', '{\n "x": 1,\n "a": {"c": 2, "d": 3, "b": 1}}'),
    ('{"a": null, "x": 1}', '{"a": {"b": 1}, "x": 1}'),
])  # fmt: skip
def test_what_is_new_looks_like_the_rest(text: str, done: str) -> None:
    assert put(text, ["a", "b"], "1") == done


def test_without_a_value_there_is_nothing_to_read_or_to_remove() -> None:
    assert value("") is None
    assert value('{"a": 1}', "b", "c") is None
    assert remove("", ["a"]) == ""
    assert remove("{}", ["a", "b"]) == "{}"


def test_only_keys_and_the_given_words_are_shown() -> None:
    text = '{"auth": "c2VjcmV0", "a\\"b" : ["x", "desktop", "a\\\\\\"secret"], "n": [-1.5e+3, true]}'
    assert masked(text, ["desktop"]) == '{"auth": "…", "a\\"b" : ["…", "desktop", "…"], "n": […, true]}'


@pytest.mark.parametrize(("key", "shown"), [
    ("https://me:s3cret@reg.example", "https://…@reg.example"),
    ("https://me:s3/c@ret@reg.example", "https://…@reg.example"),
    (r"https:\/\/me:s3cret@reg.example", r"https:\/\/…@reg.example"),
    ("me:s3cret@reg.example", "…@reg.example"),
    ("https://reg.example/?token=s3cret", "https://reg.example/?…"),
    ("a1.example:5000", "a1.example:5000"),
])  # fmt: skip
def test_a_key_is_shown_without_a_user(key: str, shown: str) -> None:
    assert masked(f'{{"{key}": 1}}', []).startswith(f'{{"{shown}')


@pytest.mark.parametrize("text", ['{"a": 1}', '{"a": []}', '{"a": "{}"}'])
def test_nothing_can_be_put_into_what_is_no_object(text: str) -> None:
    with pytest.raises(ValueError, match="not an object"):
        put(text, ("a", "b"), "1")
