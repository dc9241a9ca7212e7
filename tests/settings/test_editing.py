"""Adding identities to the settings file and removing them: everything else stays, byte for byte."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.settings.editing import line_of, pattern_of, with_rule, without_rules
from tests.conftest import HOST, PUBLIC

ROLE = "arn:aws:iam::111122223333:role/pull"
CUSTOM = "images.example.com"
MAPPED = f"""\
# mine
deadline = 30

[registry."{CUSTOM}"] # the proxy
account = "111122223333"
region = "eu-west-1"

[registry.'other.example.com']
region = "eu-west-1"
"""


@pytest.mark.parametrize(
    ("host", "pattern"),
    [(HOST, "111122223333"), (f"{HOST}:443", "111122223333"), (PUBLIC, "public"), (CUSTOM, CUSTOM)],
)
def test_the_pattern_is_the_account_or_the_host(host: str, pattern: str) -> None:
    assert pattern_of(host) == pattern


def test_a_new_rule_is_a_table_at_the_end() -> None:
    text = with_rule("", "111122223333", {"profile": "dev"})
    assert text == '[registry.111122223333]  # added by configure: dev\nprofile = "dev"\n'
    text = with_rule(text, "a.b", {"profile": "p", "role_arn": ROLE})
    head = f'\n[registry."a.b"]  # added by configure: p, {ROLE}\n'
    assert text.endswith(f'"dev"\n{head}profile = "p"\nrole_arn = "{ROLE}"\n')


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_new_rule_follows_an_empty_line(newline: str) -> None:
    text = with_rule(f"a = 1{newline}b = 2", "public", {"profile": "dev"})
    rule = f'[registry.public]  # added by configure: dev{newline}profile = "dev"'
    assert text == f"a = 1{newline}b = 2{newline}{newline}{rule}", "the file still has no final newline"


def test_an_identity_is_added_to_the_table_of_a_custom_host() -> None:
    text = with_rule(MAPPED, CUSTOM, {"profile": "dev"})
    added = 'profile = "dev"  # added by configure: dev\n'
    assert text == MAPPED.replace("# the proxy\n", f"# the proxy\n{added}")
    both = with_rule(text, "other.example.com", {"profile": "dev"})
    assert without_rules(both, {"other.example.com"}) == text
    assert without_rules(both, {CUSTOM}) == with_rule(MAPPED, "other.example.com", {"profile": "dev"})


BEFORE = st.sampled_from(
    [
        "",
        "\n",
        "deadline = 30",
        "deadline = 30\n",
        "# é\n\n\n",
        MAPPED,
        MAPPED.rstrip(),
        f'{MAPPED}["x"]\ny = 1',
        '[registry."a.b"]',
        '[registry."a.b"]\n',
    ]
)
RULES = st.lists(
    st.tuples(
        st.sampled_from(["111122223333", "public", "a.b", CUSTOM]),
        st.sampled_from([{"profile": 'd"é\\ 😀'}, {"role_arn": ROLE}, {"profile": "dev", "role_arn": ROLE}]),
    ),
    max_size=5,
)


@given(BEFORE, RULES, st.booleans())
def test_removing_the_rules_restores_the_text(
    before: str, rules: list[tuple[str, dict[str, str]]], is_windows: bool
) -> None:
    before = before.replace("\n", "\r\n") if is_windows else before
    text = before
    for pattern, fields in rules:
        known = tomllib.loads(text).get("registry", {}).get(pattern, {})
        new = {name: value for name, value in fields.items() if name not in known}
        if new:
            text = with_rule(text, pattern, new)
            assert new.items() <= tomllib.loads(text)["registry"][pattern].items()
    assert without_rules(text) == before
    for pattern in ("111122223333", CUSTOM):
        rest = tomllib.loads(without_rules(text, {pattern})).get("registry", {})
        others = tomllib.loads(text).get("registry", {})
        assert {**others, pattern: None} == {**rest, pattern: None}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"dev"\n', '"prod"\n'),
        ('"dev"\n', '"dev"\nregion = "eu-west-1"\n'),
        ('"dev"\n', '"dev" # mine\n'),
        ("configure", "me"),
        ('profile = "dev"\n', ""),
    ],
)
def test_an_edited_rule_is_kept(old: str, new: str) -> None:
    text = with_rule("", "public", {"profile": "dev"}).replace(old, new)
    assert without_rules(text) == text


@pytest.mark.parametrize("before", ["deadline = 30", "deadline = 30\n"])
def test_text_after_a_rule_stays_valid(before: str) -> None:
    text = with_rule(before, "public", {"profile": "dev"}).replace("\n\n", "\n").removesuffix("\n") + "\n"
    after = '[registry.111122223333]\nprofile = "x"\n'
    assert without_rules(f"{text}{after}") == f"deadline = 30\n{after}"


@pytest.mark.parametrize(
    "text",
    [
        'registry = {public = {region = "us-east-1"}}\n',
        'registry.public.region = "us-east-1"\n',
        'x = """\n[registry.public]\n"""\n',
        "[registry.public]\nprofile = 'x'\n",
        "registry = 5\n",
    ],
)
def test_a_rule_that_cannot_be_added_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        with_rule(text, "public", {"profile": "dev"})
    assert without_rules(text) == text


def test_lines_are_found_by_their_meaning() -> None:
    text = '# [registry.public]\n[ registry . "public" ] # x\n[[a]]\n[broken\n[registry."a.b"]\r\n'
    assert (line_of(text, "public"), line_of(text, "a.b"), line_of(text, "c")) == (2, 5, None)


def test_rules_that_are_not_tables_are_kept() -> None:
    text = "[registry]\npublic = 5\n"
    assert without_rules(text) == text
