"""The AWS identity of a registry, as configure saves it in the settings file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.first_pull import error_of, rules
from tests.conftest import HOST, PUBLIC, Run
from tests.docker_files import tree, write, write_settings

pytestmark = pytest.mark.usefixtures("machine")


@pytest.mark.parametrize(
    ("argv", "rule"),
    [
        ((HOST, "--profile", "dev"), {"111122223333": {"profile": "dev"}}),
        ((PUBLIC, "--profile", "dev"), {"public": {"profile": "dev"}}),
        (
            (HOST, "--role-arn", "arn:aws:iam::111122223333:role/pull"),
            {"111122223333": {"role_arn": "arn:aws:iam::111122223333:role/pull"}},
        ),
        ((HOST, "--profile", "default"), {"111122223333": {"profile": "default"}}),
    ],
)
def test_a_given_identity_becomes_a_rule(
    ask: Run, argv: tuple[str, ...], rule: dict[str, dict[str, str]], settings: Path, home: Path
) -> None:
    assert ask("configure", *argv, "--yes").status == 0
    assert rules(settings) == rule
    before = tree(home)
    assert b"no changes needed" in ask("configure", *argv, "--yes").stdout
    assert tree(home) == before
    assert ask("unconfigure", "--yes").status == 0
    assert not [name for name in tree(home) if ".cache" not in name]


CUSTOM = '# mine\n[registry."images.example.com"]\nregion = "eu-west-1" # x\naccount = "111122223333"\n'


def test_the_rule_of_a_custom_host_gets_the_profile(ask: Run, home: Path, settings: Path) -> None:
    write_settings(home, CUSTOM)
    assert ask("configure", "images.example.com", "--profile", "dev", "--yes").status == 0
    added = 'profile = "dev"  # added by configure: dev\n'
    assert settings.read_text() == CUSTOM.replace('example.com"]\n', f'example.com"]\n{added}')
    assert ask("unconfigure", "--yes").status == 0
    assert settings.read_text() == CUSTOM


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            '\n[registry.111122223333]\nprofile = "prod"\n',
            ', line 2: registry."111122223333" already has profile = "prod"; '
            f'to use "dev" for {HOST}, change it there',
        ),
        (
            '[registry."*.dkr.ecr.*.amazonaws.com"]\nca_bundle = "/ca"\n',
            ', line 1: registry."*.dkr.ecr.*.amazonaws.com" is the rule for '
            f'{HOST}; add profile = "dev" to it',
        ),
        (
            'registry.111122223333.region = "us-west-2"\n',
            f', line 1: registry."111122223333" is the rule for {HOST}; add profile = "dev" to it',
        ),
        (
            "deadline = 9\nregistry = {}\n",
            ", line 2: registry is an inline table, which cannot be extended; "
            'add "111122223333" = {profile = "dev"} to it',
        ),
        (
            'registry = {444455556666 = {profile = "x"}}\n',
            ", line 1: registry is an inline table, which cannot be extended; "
            'add "111122223333" = {profile = "dev"} to it',
        ),
        (
            'registry = {111122223333 = {region = "us-west-2"}}\n',
            f', line 1: registry."111122223333" is the rule for {HOST}; add profile = "dev" to it',
        ),
        (
            '[registry."*.dkr.ecr.*.amazonaws.com"]\nprofile = "prod"\n',
            ', line 1: registry."*.dkr.ecr.*.amazonaws.com" already has profile = "prod"; '
            f'to use "dev" for {HOST}, add a rule for it: [registry."{HOST}"]',
        ),
        (
            '[registry.111122223333]\nprofile = "auto"\nca_bundle = "/ca"\n',
            ', line 1: registry."111122223333" already has profile = "auto"; '
            f'to use "dev" for {HOST}, change it there',
        ),
        (
            f'[registry."{HOST}"]\nprofile = "auto"\n',
            f', line 1: registry."{HOST}" already has profile = "auto"; '
            f'to use "dev" for {HOST}, change it there',
        ),
    ],
)
def test_another_identity_in_the_settings_stays(
    ask: Run, text: str, error: str, home: Path, settings: Path
) -> None:
    write_settings(home, text)
    before = tree(home)
    assert (
        error_of(ask("configure", HOST, "--profile", "dev", "--yes"))
        == f"docker-credential-ecr-py: {settings}{error}"
    )
    assert tree(home) == before


@pytest.mark.parametrize("pattern", ["111122223333", '"*.dkr.ecr.*.amazonaws.com"'])
def test_an_automatic_profile_is_replaced_for_one_host(
    ask: Run, pattern: str, home: Path, settings: Path
) -> None:
    text = f'[registry.{pattern}]\nprofile = "auto:*-dev"\n'
    write_settings(home, text)
    assert ask("configure", HOST, "--profile", "dev", "--yes").status == 0
    assert rules(settings) == {pattern.strip('"'): {"profile": "auto:*-dev"}, HOST: {"profile": "dev"}}
    assert ask("configure", HOST, "--profile", "dev", "--yes").stdout.decode().endswith("no changes needed\n")
    assert ask("unconfigure", "--yes").status == 0
    assert settings.read_text() == text


def test_a_wrong_identity_is_rejected(ask: Run, home: Path) -> None:
    for option, value in (("--role-arn", "x"), ("--profile", "a\nb")):
        result = ask("configure", HOST, option, value, "--yes")
        assert result.status == 2
        assert f"argument {option}: found {json.dumps(value)}" in result.stderr.decode()
    assert not tree(home)


@pytest.mark.parametrize(("selected", "expected"), [("", {}), ("work", {HOST[:12]: {"profile": "default"}})])
def test_the_default_profile_needs_a_rule_only_if_another_one_is_selected(
    ask: Run,
    selected: str,
    expected: dict[str, dict[str, str]],
    home: Path,
    settings: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(
        home / ".aws/config", "[default]\naws_account_id = 111122223333\nregion = us-west-2\n[profile work]\n"
    )
    monkeypatch.setenv("AWS_PROFILE", selected)
    assert ask("configure", "--all", "--yes").status == 0
    assert (rules(settings) if settings.exists() else {}) == expected


def test_profiles_that_differ_within_an_account_get_rules_for_hosts(
    ask: Run, home: Path, settings: Path
) -> None:
    regions = ("us-west-2", "eu-west-1")
    text = "".join(
        f"[profile {region}]\naws_account_id = 111122223333\nregion = {region}\n" for region in regions
    )
    write(home / ".aws/config", text)
    assert ask("configure", "--all", "--yes").status == 0
    assert rules(settings) == {HOST.replace("us-west-2", name): {"profile": name} for name in regions}
    assert ask("unconfigure", HOST, "--yes").status == 0
    assert rules(settings) == {HOST.replace("us-west-2", "eu-west-1"): {"profile": "eu-west-1"}}
