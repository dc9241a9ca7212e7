"""The settings file: valid values, the choice of a rule, and the errors of an invalid file."""

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
from tests import systems


@pytest.fixture
def file(home: Path) -> Path:
    path = home / ".config/ecr-credhelper/config.toml"
    path.parent.mkdir(parents=True)
    return path


def test_defaults_apply_without_a_settings_file() -> None:
    assert load_settings(os.environ).fallback() == ""


def test_defaults_apply_without_a_home_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert load_settings({}).fallback() == ""


@pytest.mark.parametrize("suffix", ["pass", "secretservice", "osxkeychain", "wincred", "desktop", "a.b-c_1"])
def test_the_suffix_of_any_helper_can_be_the_fallback(suffix: str, file: Path) -> None:
    file.write_text(f'# a comment\nfallback = "{suffix}"\n')
    assert load_settings(os.environ).fallback() == suffix


RULE = '[registry."a.example.com"]\n'
ROLE_RULE = f'{RULE}role_arn = "arn:aws:iam::111122223333:role/pull"\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("fallback = 7", "fallback: found 7, expected the suffix of another credential helper"),
        ('fallback = "/bin/sh"', 'fallback: found "/bin/sh", expected the suffix'),
        ('fallback = "ecr-py"', 'fallback: found "ecr-py", expected the suffix of another'),
        ('falback = "pass"', "falback: unknown setting; did you mean fallback?"),
        ("colour = 1", "colour: unknown setting; known: fallback, on_error, deadline, list, log, registry"),
        ('on_error = "ignore"', 'on_error: found "ignore", expected "error" or "not-found"'),
        ("deadline = 0", "deadline: found 0, expected a number of seconds from 1 to 600"),
        ("deadline = true", "deadline: found true, expected a number"),
        ("deadline = nan", "deadline: found nan, expected a number"),
        ("log = true", 'log: found true, expected "debug" for standard error'),
        (
            'log = "logs/ecr"',
            'log: found "logs/ecr", expected "debug" for standard error, or the absolute path',
        ),
        (
            "[registry.b.example.com]",
            'registry.b.example.com: a pattern with dots needs quotes: [registry."b.example.com"]',
        ),
        (
            '[registry.111122223333]\nprofile = "p"\n[registry.111122223333.dkr.ecr]\nregion = "us-west-2"',
            'needs quotes: [registry."111122223333.dkr.ecr"]',
        ),
        ("registry.a.b.c = {}\nregistry.a.d = {duration = 900}", '[registry."a.b.c"], and 1 more'),
        ("registry.a.d = {duration = 900}", "registry.a.d: a pattern with dots"),
        ("[registry.a]\nb.region = 1\nb.c.region = 1", '[registry."a.b"], and 1 more'),
        (
            f'{RULE}profile = "auto:"',
            'profile: found "auto:", expected the name of an AWS profile, "auto" or',
        ),
        ('[[registry."a.example.com"]]', 'registry."a.example.com": found an array, expected a table'),
        ("registry = 1", 'registry: found 1, expected tables: [registry."HOST"]'),
        ("registry.a = 1", "registry.a: found 1, expected a table"),
        ('[registry."A.io"]', "expected a host in lower case, an account ID of 12 digits, or public"),
        ('[registry."https://a.io"]', "expected a host in lower case"),
        (f'{RULE}role = "x"', 'registry."a.example.com".role: unknown setting; did you mean role_arn?'),
        (f'{RULE}rolearn = "x"', 'registry."a.example.com".rolearn: unknown setting; did you mean role_arn?'),
        (f'{RULE}role_arn = "r"', 'role_arn: found "r", expected a role ARN: "arn:aws:iam::'),
        (f'{RULE}external_id = "abc"', ".external_id: requires role_arn"),
        (
            f'{ROLE_RULE}external_id = "a secret!"',
            "external_id: found …, expected 2 to 1224 letters",
        ),
        (
            f"{ROLE_RULE}duration = 60",
            "duration: found 60, expected a number of seconds from 900 to 43200",
        ),
        (f'{RULE}region = "us"', 'region: found "us", expected a region'),
        ("log = {a = 1}", "log: found a table, expected"),
        (f'{RULE}account = "12"', 'account: found "12", expected an account ID of 12 digits'),
        (f'{RULE}public = "yes"', 'public: found "yes", expected true or false'),
        (f'{RULE}endpoint_url = "https://me:pw@a"', 'endpoint_url: found "https://…@a", expected'),
        (f'{RULE}profile = ""', 'profile: found "", expected the name of an AWS profile'),
    ],
)
def test_a_problem_names_its_field_the_value_found_and_the_value_expected(
    text: str, problem: str, file: Path
) -> None:
    file.write_text(text)
    settings = load_settings(os.environ)
    with pytest.raises(ConfigurationError) as caught:
        (settings.fallback() if text.startswith("fallback") else settings.rule(Registry("a.example.com")))
    assert str(caught.value).startswith(f"{file}: ")
    assert problem in str(caught.value)
    more = "run: docker-credential-ecr-py config check"
    assert str(caught.value).endswith(
        more if "1 more" in problem else "set ECR_CREDHELPER_CONFIG to another file"
    )


def test_an_error_names_the_problem_in_its_scope_and_counts_the_others(file: Path) -> None:
    file.write_text('fallback = 7\n[registry."a.io"]\nrolearn = "x"\n[registry."b.io"]\nregion = 1\n')
    settings = load_settings(os.environ)
    for scope, problem in (("fallback", "fallback: found 7"), ("b.io", 'registry."b.io".region: found 1')):
        with pytest.raises(ConfigurationError) as caught:
            settings.raise_if_invalid(scope)
        text = str(caught.value)
        assert text.startswith(f"{file}: {problem}, expected ")
        assert text.endswith(", and 2 more; run: docker-credential-ecr-py config check")
    settings.raise_if_invalid("c.io")


@pytest.mark.parametrize("value", ["'" + "x" * 5000 + "'", "[" + "1, " * 5000 + "]", "{a = 1}", "1" * 4000])
def test_an_error_with_a_long_value_is_short(value: str, file: Path) -> None:
    file.write_text(f"{RULE}region = {value}\n" + "".join(f"wrong{n} = 1\n" for n in range(500)))
    with pytest.raises(ConfigurationError) as caught:
        load_settings(os.environ).rule(Registry("a.example.com"))
    assert len(str(caught.value).removeprefix(str(file))) < 250


@pytest.mark.parametrize(("pattern", "problem"), [
    ("44445555666", "44445555666 has 11 digits; an AWS account ID has 12"),
    ("4444555566667", "4444555566667 has 13 digits; an AWS account ID has 12"),
    ("1111-2222-3333", "write the account ID without hyphens: 111122223333"),
    ("1111-2222-333", "1111-2222-333 has 11 digits; an AWS account ID has 12"),
    ("dev", "expected a host in lower case, an account ID of 12 digits, or public"),
    ("publik", "expected a host in lower case, an account ID of 12 digits, or public"),
])  # fmt: skip
def test_a_pattern_that_matches_nothing_is_a_problem_of_no_registry(
    pattern: str, problem: str, file: Path
) -> None:
    file.write_text(f'[registry.{pattern}]\nprofile = "p"\n')
    settings = load_settings(os.environ)
    assert settings.rule(Registry("a.io", account="444455556666")).profile == ""
    assert settings.hosts() == []
    with pytest.raises(ConfigurationError) as caught:
        settings.raise_if_invalid(pattern)
    assert f"registry.{pattern}: {problem}; " in str(caught.value)


@pytest.mark.parametrize("field", ['region = "us-west-2"', "public = true"])
def test_a_custom_host_needs_no_dots(field: str, file: Path) -> None:
    file.write_text(f"[registry.mirror]\n{field}\n")
    assert load_settings(os.environ).registry("mirror/team/app:1")
    assert load_settings(os.environ).hosts() == ["mirror"]


def test_a_registry_with_a_valid_rule_is_served_despite_problems_in_others(file: Path) -> None:
    file.write_text('fallback = 7\n[registry."a.io"]\nrolearn = "x"\n[registry."b.io"]\nprofile = "b"\n')
    settings = load_settings(os.environ)
    assert settings.rule(Registry("b.io")).profile == "b"
    assert settings.rule(Registry("c.io")).profile == ""
    with pytest.raises(ConfigurationError):
        settings.rule(Registry("a.io"))


@pytest.mark.parametrize(("text", "detail"), [
    ("\nfallback = ", "line 2: not a valid value; text needs quotes; correct it"),
    ("fallback = pass", "line 1: not a valid value; text needs quotes; correct it"),
    ('fallback = "pass\nlist = "fetch"', "line 1: a closing quote is missing"),
    ("a = 1\r\n\r\na = 2", "line 3: this key or table is already defined above"),
    ("[a]\n# a comment\n[a]\nb = 1", "line 3: this key or table is already defined above"),
    ("a = {b = 1, b = 2}", "line 1: this key or table is already defined above"),
    ("a = [1,\n2\n", "line 2: Unclosed array"),
    ("[registry.111122223333", "line 1: Expected ']' at the end of a table declaration"),
    ("\n[registry.*.example.com]", 'line 2: a pattern with dots needs quotes: [registry."*.example.com"]'),
    ("[registry.a.io:5000]", '[registry."a.io:5000"]'),
    ("[registry.a.io\nprofile = 'p'", 'line 1: a pattern with dots needs quotes: [registry."a.io"]'),
    (f"a = {'[' * 20000}", "is not valid TOML: nested too deeply"),
    (f"a = {'1' * 5000}", "is not valid TOML: Exceeds the limit"),
])  # fmt: skip
def test_a_file_that_is_not_valid_toml_is_an_error(text: str, detail: str, file: Path) -> None:
    file.write_bytes(text.encode())
    with pytest.raises(ConfigurationError, match="is not valid TOML: ") as caught:
        load_settings(os.environ)
    assert detail in str(caught.value)


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
def test_the_most_specific_pattern_applies(server: str, profile: str, file: Path) -> None:
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
def test_a_wildcard_matches_within_one_label(pattern: str, host: str, fits: bool) -> None:
    assert Rule(pattern).fits(Registry(host)) is fits


def test_environment_variables_override_the_settings_file(file: Path) -> None:
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
def test_a_custom_host_is_mapped_to_an_ecr_registry(
    server: str, parts: tuple[object, ...] | None, file: Path
) -> None:
    file.write_text(CUSTOM)
    found = load_settings(os.environ).registry(server)
    assert (found and (found.host, found.account, found.region, found.public)) == parts


def test_a_file_that_is_not_utf_8_is_an_error(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not valid TOML"):
        load_settings(os.environ)


def test_a_missing_file_in_the_variable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read \(No such file or directory\)"):
        load_settings({"ECR_CREDHELPER_CONFIG": str(tmp_path / "missing.toml")})


def test_a_directory_instead_of_a_file_is_an_error(file: Path) -> None:
    file.mkdir()
    with pytest.raises(ConfigurationError, match="is not a file"):
        load_settings(os.environ)


@systems.pipes
def test_a_named_pipe_is_an_error_and_does_not_block(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(ConfigurationError, match="is not a file"):
        load_settings(os.environ)
    assert load_settings({"ECR_CREDHELPER_CONFIG": os.devnull}).fallback() == ""


@given(st.binary(max_size=200))
def test_any_bytes_are_valid_settings_or_a_configuration_error(content: bytes) -> None:
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


def test_hosts_are_the_patterns_of_single_hosts(file: Path) -> None:
    file.write_text(
        "".join(
            f'[registry."{pattern}"]\n'
            for pattern in ("localhost:5000", "images.example.com", "*.example.com", "111122223333", "public")
        )
    )
    assert load_settings(os.environ).hosts() == ["localhost:5000", "images.example.com"]


@pytest.mark.parametrize(
    ("profile", "pattern"),
    [("auto", "*"), ("auto:*-dev", "*-dev"), ("", ""), ("automatic", ""), ("prod", ""), ("a:auto", "")],
)
def test_auto_has_a_pattern_for_the_profiles_name(profile: str, pattern: str) -> None:
    assert Rule(profile=profile).auto_pattern == pattern
