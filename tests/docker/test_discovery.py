"""configure --discover and configure --podman: the registries that are found, and podman's files."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ecr_credhelper.docker import discovery
from ecr_credhelper.docker.config import containers_files
from ecr_credhelper.errors import ConfigurationError
from tests.conftest import HOST, OTHER_ACCOUNT, OTHER_REGION, PUBLIC
from tests.docker_files import here, load, tree, write, write_settings

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
region = cn-north-1
[profile outright]
aws_account_id = 111122223333
region = eu-central-1
s3 =
  max_concurrent_requests = 1
[profile without-region]
sso_account_id = 777788889999
[profile wrong-region]
sso_account_id = 777788889999
region = nowhere
[profile nested]
region =
  foo = bar
role_arn =
  foo = bar
[profile without-account]
region = us-west-2
"""
CHINA = "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn"


def engine(directory: Path, name: str, *script: str) -> None:
    write(directory / name, "\n".join(("#!/bin/sh", *script))).chmod(0o755)


@pytest.fixture
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_registries_are_found_in_settings_profiles_and_images(home: Path, engines: Path) -> None:
    write_settings(home, SETTINGS)
    write(home / ".aws/config", PROFILES)
    expected = '[ "$*" = "image ls --format {{.Repository}}" ] || exit 2'
    images = (f"{OTHER_ACCOUNT}/web", "'<none>'", f"{HOST}/b", f"{HOST}/c", "alpine", "a.images.corp/x")
    lines = [f"echo {image}" for image in images]
    engine(engines, "docker", expected, *lines)
    engine(engines, "podman", f"echo {PUBLIC}/nginx/nginx", "printf '\\377'")
    session = here("configure", PUBLIC, "--discover", "--all", "--yes")
    lines = session.screen.partition("---")[0].splitlines()
    table = [line.split(maxsplit=2)[1:] for line in lines if line[:1].isdigit()]
    table = [[host, re.split("   *", rest)[0]] for host, rest in table]
    assert table == [
        [HOST, "settings, docker images"],
        ["images.example.com:5000", "settings"],
        [OTHER_ACCOUNT, "AWS profile sso, docker images"],
        [CHINA, "AWS profile role"],
        [OTHER_REGION, "AWS profile outright"],
        ["a.images.corp", "docker images"],
        [PUBLIC, "podman images"],
    ]
    found = [PUBLIC, HOST, "images.example.com:5000", OTHER_ACCOUNT, CHINA, OTHER_REGION, "a.images.corp"]
    assert list(load(home / ".docker/config.json")["credHelpers"]) == found


def test_an_engine_that_fails_or_hangs_is_ignored(
    home: Path, engines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "ENGINE_TIMEOUT", 0.2)
    engine(engines, "docker", "while :; do :; done")
    write(engines / "podman", "not a program\0").chmod(0o755)
    with pytest.raises(ConfigurationError, match="no registry found"):
        here("configure", "--discover", "--yes")
    assert not tree(home)


@pytest.mark.usefixtures("engines")
def test_a_damaged_aws_configuration_file_is_an_error(home: Path) -> None:
    path = write(home / ".aws/config", "[profile x\n")
    with pytest.raises(ConfigurationError, match=f"^the AWS configuration file {path} cannot be read; "):
        here("configure", "--discover", "--yes")


# podman, skopeo and buildah


@pytest.mark.parametrize(("environ", "files"), [
    ({"XDG_RUNTIME_DIR": "/r", "XDG_CONFIG_HOME": "/c"}, [f"/{top}/containers/auth.json" for top in "rc"]),
    ({"XDG_RUNTIME_DIR": "/r"}, ["/r/containers/auth.json", "~/.config/containers/auth.json"]),
    ({}, [f"/run/containers/{os.getuid()}/auth.json", "~/.config/containers/auth.json"]),
    ({"REGISTRY_AUTH_FILE": "/a.json", "XDG_RUNTIME_DIR": "/r"}, ["/a.json"]),
])  # fmt: skip
def test_the_configuration_files_of_podman(environ: dict[str, str], files: list[str]) -> None:
    assert containers_files(environ) == [os.path.expanduser(file) for file in files]


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
