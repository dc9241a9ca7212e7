"""Edits of JSON texts: only the edited value changes, and the reverse edit restores the text exactly."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.docker.go_json import is_same_field
from ecr_credhelper.docker.json_edit import check, masked, put, raw, remove, value

# All blanks of up to three characters, and often none. To draw each character separately takes longer.
BLANKS = st.sampled_from(
    [""] * 20 + ["".join(blank) for size in range(1, 4) for blank in product(" \t\r\n", repeat=size)]
)
KEYS = st.text("aAbB", max_size=2) | st.text(max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def objects(draw: st.DrawFn, inside: int = 2) -> str:
    """Draw the text of an object with blanks at all valid positions, except in an empty object."""
    members = []
    for key in draw(st.lists(KEYS, max_size=4, unique=True)):
        content = draw(objects(inside - 1) if inside and draw(st.booleans()) else VALUES.map(json.dumps))
        name = json.dumps(key, ensure_ascii=draw(st.booleans()))
        members.append(f"{draw(BLANKS)}{name}{draw(BLANKS)}:{draw(BLANKS)}{content}{draw(BLANKS)}")
    return f"{{{','.join(members)}}}"


JSON_TEXTS = st.builds("{}{}{}{}".format, st.sampled_from(["", "\ufeff"]), BLANKS, objects(), BLANKS)
PATHS = st.lists(KEYS, min_size=1, max_size=3)


def content(text: str) -> Any:
    return json.loads(text.removeprefix("\ufeff"))


def spelt(found: dict[str, Any], key: str) -> str:
    """Return the spelling of a top-level key that clients use: the last one that is not null."""
    spellings = [other for other in found if is_same_field(other, key)]
    return [key, *spellings, *(other for other in spellings if found[other] is not None)][-1]


@given(JSON_TEXTS, PATHS, VALUES)
def test_put_changes_one_value_and_nothing_else(text: str, path: list[str], new: object) -> None:
    expected = parent = content(text)
    path[0] = spelt(expected, path[0])
    for key in path[:-1]:
        if not isinstance(parent.setdefault(key, {}), dict | None):
            with pytest.raises(ValueError, match="not an object"):
                put(text, path, json.dumps(new))
            return
        parent[key] = parent = {} if parent[key] is None else parent[key]
    parent[path[-1]] = new
    done = put(text, path, json.dumps(new))
    assert content(done) == expected
    assert list(content(done)) == list(expected), "the order is preserved"
    check(done)


@given(JSON_TEXTS, PATHS, VALUES)
def test_removing_a_new_member_restores_the_text(text: str, path: list[str], new: object) -> None:
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


@given(JSON_TEXTS, PATHS, VALUES)
def test_putting_the_old_value_back_restores_the_text(text: str, path: list[str], new: object) -> None:
    try:
        old = raw(text, *path)
    except ValueError:
        return
    if old is not None:
        assert put(put(text, path, json.dumps(new)), path, old) == text


@given(JSON_TEXTS, st.data())
def test_remove_removes_one_member_and_nothing_else(text: str, data: st.DataObject) -> None:
    expected = content(text)
    key = data.draw(st.sampled_from([*expected, "another"]))
    expected.pop(spelt(expected, key), None)
    assert content(remove(text, [key])) == expected


@given(st.binary() | st.text('{}[]":,x0 \n\\').map(str.encode))
def test_any_text_is_an_object_or_an_error(noise: bytes) -> None:
    text = noise.decode(errors="replace")
    try:
        check(text)
    except ValueError:
        return
    assert value(put(text, ["a"], "1"), "a") == 1


@pytest.mark.parametrize(("text", "problem"), [
    ("[]", "must contain a JSON object"),
    ("null", "must contain a JSON object"),
    ("3", "must contain a JSON object"),
    ("{", "Expecting property name.*, line 1"),
    ('{\n"a": 1,\n}', "line [23]"),
    ('{"a": 1} x', "Extra data, line 1"),
    ('{"a": 1 // a comment\n}', "line 1"),
    ('{"a": NaN}', "NaN is not a JSON number"),
    ('{"a": -Infinity}', "-Infinity is not a JSON number"),
    ('{"a": {"b": 1, "c": 2, "b": 3}}', 'duplicate key "b"'),
    ('{"a": "\x07"}', "Invalid control character"),
    ('{"auths": {}, "Auths": null}', 'duplicate key "auths", also spelt "Auths"'),
    ('{"credhelpers": {}, "credHelpers": {}}', 'duplicate key "credhelpers", also spelt "credHelpers"'),
    ("\ufeff\ufeff{}", "BOM|Expecting value"),
    ('{"a":' + "[" * 200_000, "nested too deeply"),
])  # fmt: skip
def test_check_rejects_a_text_that_is_not_one_object(text: str, problem: str) -> None:
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
def test_a_new_member_uses_the_style_of_the_text(text: str, done: str) -> None:
    assert put(text, ["a", "b"], "1") == done


def test_a_missing_value_is_none_and_removing_it_changes_nothing() -> None:
    assert value("") is None
    assert value('{"a": 1}', "b", "c") is None
    assert remove("", ["a"]) == ""
    assert remove("{}", ["a", "b"]) == "{}"


def test_masked_shows_only_keys_and_the_given_strings() -> None:
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
def test_masked_hides_the_user_and_query_of_a_key(key: str, shown: str) -> None:
    assert masked(f'{{"{key}": 1}}', []).startswith(f'{{"{shown}')


@pytest.mark.parametrize("text", ['{"a": 1}', '{"a": []}', '{"a": "{}"}'])
def test_put_fails_if_the_parent_is_not_an_object(text: str) -> None:
    with pytest.raises(ValueError, match="not an object"):
        put(text, ("a", "b"), "1")
