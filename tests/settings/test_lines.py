"""The lines of keys and of errors in a settings file."""

from __future__ import annotations

import json
import tomllib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.settings.lines import explain, lines_of
from ecr_credhelper.settings.validation import RULE_KEYS, TOP_LEVEL_KEYS, dotted

TEXT = '''\
# comment with [brackets] and "quotes
fallback = "pass"

registry."a.io".profile = "one"  # registry.b
list = """
[registry.wrong]
log = 1
"""
[ registry . "111122223333" ]
    profile = 'two'
"role_arn" = "r"
duration = [
  1,  # ]

  2]
on_error.a = {b = 1, c.d = 2}
[[registry.x.tables]]
region = 1
[registry.x.more]'''

FOUND = {
    ("fallback",): 2,
    ("registry",): 4,
    ("registry", "a.io"): 4,
    ("registry", "a.io", "profile"): 4,
    ("list",): 5,
    ("registry", "111122223333"): 9,
    ("registry", "111122223333", "profile"): 10,
    ("registry", "111122223333", "role_arn"): 11,
    ("registry", "111122223333", "duration"): 12,
    ("registry", "111122223333", "on_error"): 16,
    ("registry", "111122223333", "on_error", "a"): 16,
    ("registry", "111122223333", "on_error", "a", "b"): 16,
    ("registry", "111122223333", "on_error", "a", "c"): 16,
    ("registry", "111122223333", "on_error", "a", "c", "d"): 16,
    ("registry", "x"): 17,
    ("registry", "x", "tables"): 17,
    ("registry", "x", "tables", "region"): 18,
    ("registry", "x", "more"): 19,
}


@pytest.mark.parametrize(
    "text", [TEXT, f"{TEXT}\n", TEXT.replace("\n", "\r\n")], ids=["cut", "ended", "CRLF"]
)
def test_each_key_has_the_line_of_its_statement(text: str) -> None:
    tomllib.loads(text)
    assert lines_of(text) == FOUND


def test_an_empty_text_has_no_keys() -> None:
    assert lines_of("") == lines_of("\n\n# nothing\n") == {}


NAMES = st.sampled_from([*TOP_LEVEL_KEYS, *RULE_KEYS, "a.io", "*.b.io:5000", "111122223333", 'x"]y', "é"])
STRINGS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('\n[]{}=#"'), max_size=12)


def toml_string(text: str) -> st.SearchStrategy[str]:
    """Return the ways to write a text: in one line, or as a string of several lines."""
    several = json.dumps(text, ensure_ascii=False).replace("\\n", "\n").replace("\x7f", "\\u007f")
    one = (
        json.dumps(text).replace("\x7f", "\\u007f")
        if text.isascii()
        else json.dumps(text, ensure_ascii=False)
    )
    return st.sampled_from([one.replace("\x7f", "\\u007f"), f'""{several}""'])


VALUES = st.recursive(
    st.sampled_from(["1", "true", "1979-05-27", "'''\n[x]\n'''"]) | STRINGS.flatmap(toml_string),
    lambda values: st.lists(values, max_size=3).map(", # ]\n".join).map("[\n{}\n]".format),
    max_leaves=4,
)
KEYS = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: dotted(tuple(names)))
STATEMENTS = (
    st.builds("{} = {}".format, KEYS, VALUES)
    | st.builds("{} = {{{} = {}}}".format, KEYS, KEYS, VALUES)
    | st.builds("[{}]".format, KEYS)
    | st.builds("  [[ {} ]]".format, KEYS)
    | st.sampled_from(["", "# [a]", "  "])
)


@given(st.lists(STATEMENTS, max_size=8))
def test_the_line_of_a_key_is_where_a_valid_text_first_defines_it(statements: list[str]) -> None:
    """The text up to the line does not define the key, and the text with its whole statement does."""
    accepted: list[str] = []
    expected: dict[tuple[str, ...], int] = {}
    for statement in statements:
        before = "\n".join([*accepted, ""])
        with suppress(ValueError):
            content = tomllib.loads(before + statement)
            for key in defined(content):
                expected.setdefault(key, before.count("\n") + 1)
            accepted.append(statement)
    text = "\n".join(accepted)
    lines = lines_of(text)
    assert expected.items() <= lines.items()
    for (*_, name), line in lines.items():
        assert name in text.split("\n")[line - 1] or json.dumps(name) in text.split("\n")[line - 1]


def defined(table: dict[str, object]) -> list[tuple[str, ...]]:
    """Return the keys of tables, without those of tables in arrays."""
    found: list[tuple[str, ...]] = []
    for name, value in table.items():
        found.append((name,))
        found += [(name, *key) for key in defined(value)] if isinstance(value, dict) else []
    return found


@given(st.binary(max_size=60) | st.text(st.sampled_from("ab.=\"[]{}\n\r#'\\1"), max_size=30).map(str.encode))
def test_the_error_of_any_bytes_has_a_line_of_them(content: bytes) -> None:
    try:
        tomllib.loads(content.decode())
    except ValueError as error:
        line, text = explain(error, content)
        assert 1 <= line <= content.count(b"\n") + 1
        assert text
        assert "(at " not in text


def test_the_error_of_a_byte_that_is_not_utf_8_has_its_line() -> None:
    with pytest.raises(UnicodeDecodeError) as caught:
        b"a = 1\n\n# \xff\n".decode()
    assert explain(caught.value, b"a = 1\n\n# \xff\n") == (3, "not UTF-8 text")
