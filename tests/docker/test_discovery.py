"""The search for registries, configure --discover and configure --podman, and podman's files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecr_credhelper.docker import discovery
from ecr_credhelper.docker.config import containers_files
from ecr_credhelper.docker.discovery import Candidate, Search, search
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.registry import parse
from ecr_credhelper.settings.loader import load_settings
from tests.conftest import HOST, OTHER_ACCOUNT, OTHER_REGION, PUBLIC
from tests.docker_files import here, load, tree, write, write_settings
from tests.systems import scripts

ACCOUNT, OTHER = "111122223333", "444455556666"
EUROPE = f"{OTHER}.dkr.ecr.eu-west-1.amazonaws.com"
CHINA = f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn"
DAEMON = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"

SETTINGS = f"""\
[registry."{HOST}"]
profile = "dev"
[registry.444455556666]
profile = "prod"
[registry."*.dkr.ecr.*.amazonaws.com"]
profile = "auto"
[registry."images.example.com:5000"]
region = "eu-west-1"
account = "111122223333"
[registry."ghcr.io"]
profile = "dev"
[registry.public]
profile = "dev"
[registry."*.images.corp"]
region = "eu-west-1"
"""
PROFILES = """\
[profile sso]
sso_account_id = 444455556666
region = US-WEST-2
[profile role]
role_arn = arn:aws-cn:iam::111122223333:role/pull
region = CN-north-1
[profile outright]
aws_account_id = 111122223333
region = eu-central-1
s3 =
  max_concurrent_requests = 1
[profile nested]
region =
  foo = bar
role_arn =
  foo = bar
[profile without-account]
region = us-west-2
[profile source]
source_profile = sso
region = us-east-1
"""


def engine(directory: Path, name: str, *script: str) -> None:
    write(directory / name, "\n".join(("#!/bin/sh", *script))).chmod(0o755)


@pytest.fixture(autouse=True)
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only directory on PATH, which is empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def look() -> Search:
    return search(os.environ, load_settings(os.environ))


def sources() -> dict[str, tuple[str, ...]]:
    return {found.host: found.sources for found in look().candidates}


def profiles() -> dict[str, tuple[str, ...]]:
    return {found.host: found.profiles for found in look().candidates}


@scripts
def test_all_sources_are_searched_in_their_order(home: Path, engines: Path) -> None:
    configured = {HOST: "ecr-py", OTHER_ACCOUNT: "ecr-login", "ghcr.io": "ecr-login", OTHER_REGION: "pass"}
    logins = {f"https://{EUROPE}/v1/": {}, "https://index.docker.io/v1/": {"auth": "eDp5"}, HOST: {}}
    docker = write(home / ".docker/config.json", json.dumps({"credHelpers": configured, "auths": logins}))
    other = {"credHelpers": {HOST: "ecr-login", CHINA: "ecr-py"}, "auths": {f"{CHINA}/app": {"auth": "eDp5"}}}
    podman = write(home / ".config/containers/auth.json", json.dumps(other))
    file = write_settings(home, SETTINGS)
    config = write(home / ".aws/config", PROFILES)
    credentials = write(home / ".aws/credentials", "[sso]\naws_account_id = 444455556666\n")
    expected = '[ "$*" = "image ls --format {{.Repository}}" ] || exit 2'
    images = (f"{OTHER_ACCOUNT}/web", "'<none>'", f"{HOST}/b", f"{HOST}/c", "alpine", "a.images.corp/x")
    engine(engines, "docker", expected, *(f"echo {image}" for image in images))
    engine(engines, "podman", f"echo {PUBLIC}/nginx/nginx", "printf '\\377'")
    of_account, of_other = ("role", "outright"), ("sso",)
    assert look() == Search(
        [
            Candidate(OTHER_ACCOUNT, ("ecr-login", "AWS profile", "docker images"), of_other),
            Candidate(
                HOST,
                ("ecr-py", "docker login", "ecr-login (podman)", "settings", "docker images"),
                of_account,
            ),
            Candidate(EUROPE, ("docker login",), of_other),
            Candidate(CHINA, ("ecr-py (podman)", "podman login", "AWS profile"), ("role",)),
            Candidate("images.example.com:5000", ("settings",), of_account),
            Candidate(OTHER_REGION, ("AWS profile",), ("outright",)),
            Candidate("a.images.corp", ("docker images",), ()),
            Candidate(PUBLIC, ("podman images",), ()),
        ],
        [
            *map(str, (docker, podman, file, config, credentials)),
            "docker images",
            "podman images",
        ],
        [],
        [],
    )


def test_an_empty_home_directory_is_searched(home: Path) -> None:
    searched = [str(home / ".docker/config.json"), str(home / ".aws/config")]
    assert look() == Search([], searched, [], [])


@pytest.mark.parametrize("setting", [
    f"granted_sso_account_id = {ACCOUNT}",
    f"login_session = arn:aws:sts::{ACCOUNT}:assumed-role/Admin/me",
    f"credential_process = aws-sso -u open -S Default process --arn arn:aws:iam::{ACCOUNT}:role/Admin",
    f"credential_process = isengardcli credentials --awscli {ACCOUNT} --role Admin",
])  # fmt: skip
def test_every_kind_of_profile_leads_to_its_registry(home: Path, setting: str) -> None:
    write(home / ".aws/config", f"[profile x]\n{setting}\nregion = us-west-2\nsso_region = us-east-1\n")
    assert look().candidates == [Candidate(HOST, ("AWS profile",), ("x",))]


def test_all_profiles_of_an_account_are_listed_the_selected_one_first(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sso = f"sso_account_id = {ACCOUNT}\nregion = us-west-2\n"
    names = ("profile admin", "profile reader", "default", "profile writer")
    write(home / ".aws/config", "".join(f"[{name}]\n{sso}" for name in names))
    write(home / ".aws/credentials", f"[keys]\naws_account_id = {ACCOUNT}\nregion = us-west-2\n")
    assert profiles() == {HOST: ("default", "admin", "reader", "writer", "keys")}
    monkeypatch.setenv("AWS_PROFILE", "writer")
    assert profiles() == {HOST: ("writer", "default", "admin", "reader", "keys")}
    monkeypatch.setenv("AWS_PROFILE", "default")
    assert profiles() == {HOST: ("default", "admin", "reader", "writer", "keys")}
    monkeypatch.setenv("AWS_PROFILE", "elsewhere")
    assert profiles() == {HOST: ("default", "admin", "reader", "writer", "keys")}


@pytest.mark.parametrize("variable", ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_a_selected_profile_that_does_not_exist_is_a_problem(
    variable: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(home / ".aws/config", "[profile dev]\nregion = us-west-2\n")
    monkeypatch.setenv(variable, "devv")
    assert look().problems == [f"{variable}: AWS profile 'devv' does not exist; did you mean dev?"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    assert look().problems == []
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    file.write_text("[profile devv")
    assert len(look().problems) == 1, "the file is the problem"


@pytest.mark.parametrize("value", ["11112222333", "1111222233334", "1111-2222-3333", "account"])
@pytest.mark.parametrize("name", ["sso_account_id", "aws_account_id", "granted_sso_account_id", "role_arn"])
def test_a_wrong_account_of_a_profile_is_a_problem(name: str, value: str, home: Path) -> None:
    value = f"arn:aws:iam::{value}:role/pull" if name == "role_arn" else value
    write(home / ".aws/config", f"[profile dev]\n{name} = {value}\nregion = us-west-2\n")
    is_a = "contains no" if name == "role_arn" else "is not an"
    expected = [f"AWS profile dev: {name} {value} {is_a} AWS account ID of 12 digits"]
    assert (look().problems, look().candidates) == (expected, [])


def test_a_profile_without_a_region_belongs_to_the_registries_of_its_account(home: Path) -> None:
    write(home / ".aws/config", f"[profile dev]\nsso_account_id = {ACCOUNT}\nsso_region = us-east-1\n")
    write(home / ".docker/config.json", f'{{"credHelpers": {{"{HOST}": "ecr-login"}}}}')
    found = look()
    assert found.candidates == [Candidate(HOST, ("ecr-login",), ("dev",))]
    assert not found.accounts_without_region


@pytest.mark.parametrize(("environ", "host"), [
    ({"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "eu-west-1"}, OTHER_ACCOUNT),
    ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-1"}, EUROPE),
    ({}, None),
])  # fmt: skip
def test_the_region_of_the_environment_is_proposed(
    home: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], host: str | None
) -> None:
    write(home / ".aws/config", f"[profile dev]\nsso_account_id = {OTHER}\nregion =\n")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found = look()
    assert found.candidates == ([Candidate(host, ("AWS profile",), ("dev",))] if host else [])
    assert found.accounts_without_region == ([] if host else [("dev", OTHER)])
    assert not found.problems


def test_a_wrong_region_is_a_problem(home: Path) -> None:
    write(home / ".aws/config", f"[profile dev]\nsso_account_id = {OTHER}\nregion = nowhere\n")
    found = look()
    assert not found.candidates
    assert found.problems == ["AWS profile dev: nowhere is not a region"]


# What cannot be searched


def test_no_broken_file_stops_the_search(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    docker = write(home / ".docker/config.json", "{")
    temporary = write(home / "run/containers/auth.json", b"\xff")
    podman = write(home / ".config/containers/auth.json", f'{{"auths": {{"{CHINA}": {{"auth": "eDp5"}}}}}}')
    file = write_settings(home, f'[registry."{HOST}"]\nprofle = "x"\n[registry."{EUROPE}"]\n')
    config = write(home / ".aws/config", "[profile x\n")
    credentials = write(home / ".aws/credentials", f"[y]\naws_account_id = {OTHER}\nregion = us-west-2\n")
    found = look()
    assert [found.host for found in found.candidates] == [CHINA, HOST, EUROPE, OTHER_ACCOUNT]
    assert found.searched == [*map(str, (docker, temporary, podman, file, config, credentials))]
    assert found.problems == [
        f"{docker} is not valid JSON",
        f"{temporary} is not UTF-8",
        f"the section in line 1 of {config} has no closing bracket",
    ]


@scripts
def test_a_wrong_rule_of_a_custom_host_is_reported_once(home: Path, engines: Path) -> None:
    write_settings(home, '[registry."images.example.com"]\nregion = "nowhere"\n')
    engine(engines, "docker", "echo images.example.com/a", "echo images.example.com/b", f"echo {HOST}/a")
    found = look()
    assert [found.host for found in found.candidates] == [HOST]
    (problem,) = found.problems
    assert 'registry."images.example.com".region: found' in problem


@scripts
@pytest.mark.parametrize(("script", "problem"), [
    ((f"echo '{DAEMON}' >&2", "exit 1"), DAEMON),
    (("echo 'WARNING: Error loading config file: password' >&2", f"echo '{DAEMON}' >&2",
      "echo 'See '\"'docker image ls --help'.\" >&2", "exit 1"), DAEMON),
    (("echo 'time=\"2026-11-26T08:00:00Z\" level=warning msg=\"a token\"' >&2", f"echo '{DAEMON}' >&2",
      "exit 1"), DAEMON),
    (("exit 3",), "{program} failed (exit status 3)"),
])  # fmt: skip
def test_an_engine_that_fails_is_a_problem(engines: Path, script: tuple[str, ...], problem: str) -> None:
    engine(engines, "docker", f"echo {HOST}/a", *script)
    engine(engines, "podman", f"echo {PUBLIC}/a")
    found = look()
    assert [found.host for found in found.candidates] == [PUBLIC]
    assert found.problems == [f"docker images: {problem.format(program=engines / 'docker')}"]
    assert "podman images" in found.searched
    assert "docker images" not in found.searched


@scripts
def test_an_engine_that_hangs_or_cannot_be_run_is_a_problem(
    engines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "ENGINE_TIMEOUT", 0.2)
    engine(engines, "docker", "while :; do :; done")
    podman = write(engines / "podman", "not a program\0")
    podman.chmod(0o755)
    assert look().problems == [
        "docker images: no response within 0.2 s",
        f"podman images: {podman} cannot be run (Exec format error)",
    ]


@scripts
def test_the_engines_run_at_the_same_time(engines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "ENGINE_TIMEOUT", 60)
    for name, other in (("docker", "podman"), ("podman", "docker")):
        wait = f"while [ ! -e {engines}/{other}-runs ]; do :; done"
        engine(engines, name, f": > {engines}/{name}-runs", wait, f"echo {HOST}/a")
    assert sources() == {HOST: ("docker images", "podman images")}


SERVERS = st.sampled_from([HOST, f"https://{HOST}/v1/", f"{HOST}:443/app", EUROPE.upper(), PUBLIC, "ghcr.io"])
NAMES = SERVERS | st.sampled_from(["credHelpers", "auths"]) | st.text(max_size=8)
HELPERS = st.sampled_from(["ecr-login", "ecr-py"])
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=8) | HELPERS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=4),
)
CLIENT_FILE = (
    st.binary(max_size=20)
    | JSON.map(lambda content: json.dumps(content).encode())
    | st.dictionaries(st.sampled_from(["credHelpers", "auths"]), st.dictionaries(NAMES, JSON)).map(
        lambda content: json.dumps(content).encode()
    )
)


@scripts
@given(
    CLIENT_FILE, CLIENT_FILE, st.binary(max_size=40), st.lists(NAMES).map("\n".join) | st.binary(max_size=20)
)
@settings(max_examples=60)
def test_any_content_gives_registries_or_problems(
    engines: Path, docker: bytes, podman: bytes, config: bytes, images: bytes
) -> None:
    home = Path(os.environ["HOME"])
    write(home / ".docker/config.json", docker)
    write(home / ".config/containers/auth.json", podman)
    write(home / ".aws/config", config)
    write(engines / "list", images)
    engine(engines, "docker", f"exec /bin/cat {engines}/list")
    found = look()
    assert all(parse(item.host) for item in found.candidates)
    assert len({item.host for item in found.candidates}) == len(found.candidates)
    assert all(len(set(item.sources)) == len(item.sources) > 0 for item in found.candidates)


# configure --discover


@scripts
def test_the_registries_that_are_found_are_configured(home: Path, engines: Path) -> None:
    write(home / ".docker/config.json", f'{{"credHelpers": {{"{OTHER_ACCOUNT}": "ecr-login"}}}}')
    engine(engines, "docker", f"echo {OTHER_ACCOUNT}/a")
    engine(engines, "podman", "echo 'Error: no space left' >&2", "exit 1")
    screen = here("configure", HOST, "--discover", "--all", "--yes").screen
    assert "podman images: Error: no space left\n" in screen
    assert any(
        line.split()[1:5] == [OTHER_ACCOUNT, "ecr-login,", "docker", "images"] for line in screen.splitlines()
    )
    assert load(home / ".docker/config.json")["credHelpers"] == {HOST: "ecr-py", OTHER_ACCOUNT: "ecr-py"}


def test_a_search_that_finds_nothing_changes_nothing(home: Path) -> None:
    with pytest.raises(ConfigurationError, match="no registry found"):
        here("configure", "--all", "--yes")
    assert not tree(home)


# podman, skopeo and buildah


@pytest.mark.parametrize(("environ", "files"), [
    ({"XDG_RUNTIME_DIR": "/r", "XDG_CONFIG_HOME": "/c"}, [f"/{top}/containers/auth.json" for top in "rc"]),
    ({"XDG_RUNTIME_DIR": "/r"}, ["/r/containers/auth.json", "~/.config/containers/auth.json"]),
    ({}, [f"/run/containers/{getattr(os, 'getuid', int)()}/auth.json", "~/.config/containers/auth.json"]),
    ({"REGISTRY_AUTH_FILE": "/a.json", "XDG_RUNTIME_DIR": "/r"}, ["/a.json"]),
])  # fmt: skip
def test_the_configuration_files_of_podman(environ: dict[str, str], files: list[str]) -> None:
    found = containers_files(environ)
    assert [Path(file) for file in found] == [Path(file).expanduser() for file in files]


def test_podman_is_configured_in_its_own_file(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    runtime = write(
        tmp_path / "containers/auth.json", f'{{"auths": {{"{HOST}": {{"auth": "bWU6c2VjcmV0"}}}}}}'
    )
    screen = here("configure", HOST, OTHER_ACCOUNT, "--podman", "--yes").screen
    helpers = {HOST: "ecr-py", OTHER_ACCOUNT: "ecr-py"}
    assert load(home / ".config/containers/auth.json") == {"credHelpers": helpers}
    assert not (home / ".docker").exists()
    warning = f"! {runtime} takes precedence and has a login; run: podman logout {HOST}\n"
    assert screen.endswith(warning)
    assert screen.count("podman logout") == 1
    here("unconfigure", "--yes")
    assert not tree(home)


def test_only_the_file_in_registry_auth_file_is_used(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    here("configure", HOST, "--podman", "--yes")
    assert load(tmp_path / "auth.json") == {"credHelpers": {HOST: "ecr-py"}}
    here("unconfigure", "--yes")
    assert not tree(home)
    assert not tree(tmp_path)


def test_podman_and_creds_store_cannot_be_combined(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        here("configure", "--podman", "--creds-store")
    assert "not allowed with argument" in capsys.readouterr().err
