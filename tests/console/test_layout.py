"""Texts and tables that fit a width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.console import layout
from tests.conftest import HOST

WIDTHS = st.integers(20, 200)
WORDS = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=150)
ARN = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef/first.last"
HEAD = ("REGISTRY", "IDENTITY", "TOKEN")


def is_host(line: str) -> bool:
    return layout._is_host(line.strip())  # noqa: SLF001 - the rule that the tests need


def test_a_text_continues_below_its_start() -> None:
    assert layout.wrap("one two three four five six", 14 + 8, 2) == "one two three four\n  five six"


def test_hosts_and_words_that_fit_stay_whole() -> None:
    assert layout.wrap(f"no login for {HOST}/app:1 yet", 60, 15).split(f"\n{' ' * 15}") == [
        "no login for",
        f"{HOST}/",
        "app:1 yet",
    ]
    assert HOST in layout.wrap(f"({HOST})", 30, 4)


def test_a_long_path_breaks_after_a_slash() -> None:
    assert layout.wrap(ARN, 60, 10).split(f"\n{' ' * 10}") == [
        "arn:aws:sts::111122223333:assumed-role/",
        "AWSReservedSSO_AdministratorAccess_0123456789abcde",
        "f/first.last",
    ]


@given(st.lists(WORDS), WIDTHS, st.integers(0, 30))
def test_a_wrapped_text_fits_and_loses_nothing(words: list[str], width: int, indent: int) -> None:
    text = " ".join(words)
    lines = layout.wrap(text, width, indent).split("\n")
    room = max(width - indent, layout.MIN_TEXT)
    assert all(len(line.removeprefix(" " * indent)) <= room or is_host(line) for line in lines[1:])
    assert len(lines[0]) <= room or is_host(lines[0])
    assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (None, [["REGISTRY", "IDENTITY", "TOKEN"], ["host.example.com", "profile production", "none"]]),
        (43, [["REGISTRY", "IDENTITY", "TOKEN"], ["host.example.com", "profile production", "none"]]),
        (41, [["REGISTRY", "IDENTITY", "TOKEN"], ["host.example.com", "profile product…", "none"]]),
        (35, [["REGISTRY"], ["IDENTITY", "TOKEN"], ["host.example.com"], ["profile production", "none"]]),
        (30, [["REGISTRY"], ["IDENTITY", "TOKEN"], ["host.example.com"], ["profile production", "none"]]),
        (20, [["REGISTRY"], ["IDENTITY", "TOKEN"], ["host.example.com"], ["profile pr…", "none"]]),
    ],
)
def test_a_table_gets_narrower_and_then_higher(width: int | None, expected: list[list[str]]) -> None:
    rows = layout.table(HEAD, [("host.example.com", "profile production", "none")], width, ("IDENTITY",))
    lines = [line for row in rows for line in row]
    assert [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines] == expected
    assert all(width is None or len(line) <= width for line in lines)


CELLS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=60)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS)), WIDTHS)
def test_only_the_first_column_of_a_table_can_be_too_wide(
    rows: list[tuple[str, str, str]], width: int
) -> None:
    found = layout.table(HEAD, rows, width, ("IDENTITY",))
    assert len(found) == len(rows) + 1
    for (first, *_), (line, *others) in zip(rows, found[1:], strict=True):
        assert line.startswith(first.rstrip())
        assert len(line) <= width or line == first
        assert all(len(other) <= width for other in others)


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("profile dev", 11, "profile dev"),
        ("profile dev", 10, "profile d…"),
        ("profile dev", 1, "…"),
        ("profile dev", 0, ""),
        ("arn:aws:iam::111122223333:role/pull, from profile dev", 30, "…role/pull, from profile dev"),
        ("arn:aws:iam::111122223333:role/pull, from profile dev", 20, "…role/pull, from pr…"),
    ],
)
def test_a_shortened_text_keeps_what_identifies_it(text: str, width: int, expected: str) -> None:
    assert layout.shorten(text, width) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/me", "~"),
        ("/home/me/.docker, 2 registries", "~/.docker, 2 registries"),
        ("sudo ln -s /home/me/bin/x '/home/me/y' (/home/me)", "sudo ln -s ~/bin/x '~/y' (~)"),
        ("/home/me2 /mnt/home/me x=/home/me", "/home/me2 /mnt/home/me x=~"),
    ],
)
def test_paths_in_the_home_directory_are_shown_with_a_tilde(text: str, expected: str) -> None:
    assert layout.with_tilde(text, "/home/me") == expected
    assert layout.with_tilde(text, "/") == layout.with_tilde(text, "") == text
