"""The settings file: what it may say, and what is told of one that is wrong."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.registry import Registry, parse
from ecr_credhelper.settings.loader import load_settings
from ecr_credhelper.settings.rules import Rule


@pytest.fixture
def file(home: Path) -> Path:
    path = home / ".config/ecr-credhelper/config.toml"
    path.parent.mkdir(parents=True)
    return path


def test_without_a_file_the_defaults_count() -> None:
    assert load_settings(os.environ).fallback() == ""


def test_without_a_place_for_a_file_the_defaults_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert load_settings({}).fallback() == ""


@pytest.mark.parametrize("suffix", ["pass", "secretservice", "osxkeychain", "wincred", "desktop", "a.b-c_1"])
def test_a_fallback_is_any_helpers_suffix(suffix: str, file: Path) -> None:
    file.write_text(f'# a comment\nfallback = "{suffix}"\n')
    assert load_settings(os.environ).fallback() == suffix


RULE = '[registry."a.example.com"]\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fallback = 7", "fallback: found 7, expected the end of another credential helper's name"),
        ('fallback = "/bin/sh"', "fallback: found '/bin/sh', expected the end"),
        ('fallback = "ecr-py"', "fallback: found 'ecr-py', expected the end of another"),
        ('falback = "pass"', "falback: no such setting, did you mean fallback?"),
        ("colour = 1", "colour: no such setting, known: fallback, on_error, deadline, list, log, registry"),
        ('on_error = "ignore"', 'on_error: found \'ignore\', expected "error" or "not-found"'),
        ("deadline = 0", "deadline: found 0, expected a number of seconds from 1 to 600"),
        ("deadline = true", "deadline: found True, expected a number"),
        ("deadline = nan", "deadline: found nan, expected a number"),
        ("log = true", 'log: found True, expected "debug" for standard error'),
        (
            'log = "logs/ecr"',
            "log: found 'logs/ecr', expected \"debug\" for standard error, or the whole path",
        ),
        ("[registry.b.example.com]", 'registry."b".example: no such setting'),
        ("registry = 1", 'registry: found 1, expected tables: [registry."HOST"]'),
        ("registry.a = 1", 'registry."a": found 1, expected a table'),
        ('[registry."A.io"]', 'registry."A.io": expected a host in lower case, twelve digits, or public'),
        ('[registry."https://a.io"]', "expected a host in lower case"),
        (f'{RULE}rolearn = "x"', 'registry."a.example.com".rolearn: no such setting, did you mean role_arn?'),
        (f'{RULE}role_arn = "r"', "role_arn: found 'r', expected a role: \"arn:aws:iam::"),
        (f'{RULE}external_id = "abc"', ".external_id: needs a role_arn beside it"),
        (f'{RULE}external_id = "a secret!"', "external_id: found …, expected 2 to 1224 letters"),
        (f"{RULE}duration = 60", "duration: found 60, expected a number of seconds from 900 to 43200"),
        (f'{RULE}region = "us"', "region: found 'us', expected a region"),
        (f'{RULE}account = "12"', "account: found '12', expected the twelve digits"),
        (f'{RULE}public = "yes"', "public: found 'yes', expected true or false"),
        (f'{RULE}endpoint_url = "https://me:pw@a"', "endpoint_url: found 'https://…@a', expected"),
        (f'{RULE}profile = ""', "profile: found '', expected the name of an AWS profile"),
    ],
)
def test_a_problem_is_told_with_its_field_what_was_found_and_what_was_expected(
    text: str, told: str, file: Path
) -> None:
    file.write_text(text)
    settings = load_settings(os.environ)
    with pytest.raises(ConfigurationError) as caught:
        (settings.fallback() if text.startswith("fallback") else settings.rule(Registry("a.example.com")))
    assert str(caught.value).startswith(f"{file}: ")
    assert told in str(caught.value)
    assert "ECR_CREDHELPER_CONFIG" in str(caught.value)


def test_all_problems_are_told_at_once(file: Path) -> None:
    file.write_text('fallback = 7\n[registry."a.io"]\nrolearn = "x"\n[registry."b.io"]\nregion = 1\n')
    with pytest.raises(ConfigurationError) as caught:
        load_settings(os.environ).fallback()
    assert all(name in str(caught.value) for name in ("fallback:", '"a.io".rolearn', '"b.io".region'))


def test_a_registry_that_no_problem_concerns_is_served(file: Path) -> None:
    file.write_text('fallback = 7\n[registry."a.io"]\nrolearn = "x"\n[registry."b.io"]\nprofile = "b"\n')
    settings = load_settings(os.environ)
    assert settings.rule(Registry("b.io")).profile == "b"
    assert settings.rule(Registry("c.io")).profile == ""
    with pytest.raises(ConfigurationError):
        settings.rule(Registry("a.io"))


@pytest.mark.parametrize(("text", "told"), [
    ("fallback = ", "Invalid value (at"), ("a = 1\na = 2", ""), (f"a = {'[' * 20000}", ""),
    (f"a = {'1' * 5000}", ""),
])  # fmt: skip
def test_a_file_that_is_not_toml_is_told(text: str, told: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError, match="is not valid TOML: ") as caught:
        load_settings(os.environ)
    assert told in str(caught.value)


ORDER = """
[registry.public]
profile = "public"
[registry."111122223333"]
profile = "account"
[registry."*.dkr.ecr.us-west-2.amazonaws.com"]
profile = "any account"
[registry."1111*.dkr.ecr.*.amazonaws.com"]
profile = "any region"
[registry."111122223333.dkr.ecr.us-east-1.amazonaws.com"]
profile = "host"
"""


@pytest.mark.parametrize(
    ("server", "profile"),
    [
        ("111122223333.dkr.ecr.us-east-1.amazonaws.com", "host"),
        ("111122223333.dkr.ecr.us-west-2.amazonaws.com", "any account"),
        ("111122223333.dkr.ecr.eu-west-1.amazonaws.com", "any region"),
        ("111122223333.dkr-ecr.eu-west-1.on.aws", "account"),
        ("444455556666.dkr.ecr.us-west-2.amazonaws.com", "any account"),
        ("444455556666.dkr.ecr.eu-west-1.amazonaws.com", ""),
        ("public.ecr.aws", "public"),
    ],
)
def test_the_most_specific_pattern_counts(server: str, profile: str, file: Path) -> None:
    file.write_text(ORDER)
    registry = parse(server)
    assert registry
    rule = load_settings(os.environ).rule(registry)
    assert rule.profile == profile


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", "example.com", False),
        ("a*c.example.com", "abc.example.com", True),
        ("*.example.com:5000", "a.example.com:5000", True),
        ("*.example.com:5000", "a.example.com", False),
        ("a.example.com", "a.example.com:5000", False),
    ],
)
def test_a_wildcard_stays_within_its_label(pattern: str, host: str, fits: bool) -> None:
    assert Rule(pattern).fits(Registry(host)) is fits


def test_the_environment_beats_the_file(file: Path) -> None:
    file.write_text(
        'on_error = "not-found"\n[registry."111122223333"]\nprofile = "file"\nregion = "eu-west-1"\n'
    )
    environ = {
        **os.environ,
        "ECR_CREDHELPER_PROFILE_111122223333": "environment",
        "ECR_CREDHELPER_ROLE_ARN_444455556666": "arn:aws:iam::444455556666:role/r",
    }
    settings = load_settings(environ)
    rule = settings.rule(Registry("h", account="111122223333"))
    assert (rule.profile, rule.role_arn, rule.region) == ("environment", "", "eu-west-1")
    assert rule.on_error == "not-found"
    assert settings.rule(Registry("h", account="444455556666")).role_arn == "arn:aws:iam::444455556666:role/r"


CUSTOM = """
[registry."images.example.com"]
account = "111122223333"
region = "eu-west-1"
[registry."*.localstack.cloud:4566"]
region = "us-east-1"
[registry."pub.example.com"]
public = true
[registry."only-a-profile.example.com"]
profile = "p"
"""


@pytest.mark.parametrize(
    ("server", "parts"),
    [
        ("https://Images.example.com/v2/", ("images.example.com", "111122223333", "eu-west-1", False)),
        ("ecr.localstack.cloud:4566", ("ecr.localstack.cloud:4566", "", "us-east-1", False)),
        ("pub.example.com", ("pub.example.com", "", "us-east-1", True)),
        ("only-a-profile.example.com", None),
        ("ghcr.io", None),
        ("images.example.com:5000", None),
        ("a@b", None),
    ],
)
def test_a_host_of_ones_own_stands_for_an_ecr_registry(
    server: str, parts: tuple[object, ...] | None, file: Path
) -> None:
    file.write_text(CUSTOM)
    found = load_settings(os.environ).registry(server)
    assert (found and (found.host, found.account, found.region, found.public)) == parts


def test_a_file_that_is_not_utf_8_is_told(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not valid TOML"):
        load_settings(os.environ)


def test_a_named_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read \(No such file or directory\)"):
        load_settings({"ECR_CREDHELPER_CONFIG": str(tmp_path / "missing.toml")})


def test_a_file_that_is_a_folder_is_told(file: Path) -> None:
    file.mkdir()
    with pytest.raises(ConfigurationError, match="is not a file"):
        load_settings(os.environ)


@pytest.mark.skipif(os.name == "nt", reason="no pipes in the file system")
def test_a_pipe_holds_nobody(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(ConfigurationError, match="is not a file"):
        load_settings(os.environ)
    assert load_settings({"ECR_CREDHELPER_CONFIG": os.devnull}).fallback() == ""


@given(st.binary(max_size=200))
def test_any_bytes_are_settings_or_our_error(content: bytes) -> None:
    path = Path(os.environ["HOME"]) / "any.toml"
    path.write_bytes(content)
    with suppress(ConfigurationError):
        load_settings({"ECR_CREDHELPER_CONFIG": str(path)}).rule(Registry("a.io"))


@pytest.mark.parametrize(
    ("general", "special"),
    [
        ("*.dkr.ecr.*.amazonaws.com", "*.dkr.ecr.us-west-2.amazonaws.com"),
        ("*.dkr.ecr.*.amazonaws.com", "1*.dkr.ecr.*.amazonaws.com"),
        ("1*.dkr.ecr.*.amazonaws.com", "1111*.dkr.ecr.*.amazonaws.com"),
        ("111122223333", "*.dkr.ecr.*.amazonaws.com"),
        ("*.dkr.ecr.us-west-2.amazonaws.com", "111122223333.dkr.ecr.us-west-2.amazonaws.com"),
    ],
)
@pytest.mark.parametrize("order", [1, -1], ids=["general first", "special first"])
def test_the_more_specific_pattern_counts_wherever_it_is(
    general: str, special: str, order: int, file: Path
) -> None:
    rules = [f'[registry."{general}"]\nprofile = "general"', f'[registry."{special}"]\nprofile = "special"']
    file.write_text("\n".join(rules[::order]))
    registry = parse("111122223333.dkr.ecr.us-west-2.amazonaws.com")
    assert registry
    assert load_settings(os.environ).rule(registry).profile == "special"
