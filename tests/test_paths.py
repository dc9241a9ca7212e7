"""The paths of our files."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest

from ecr_credhelper.paths import cache_directory, docker_config_file, settings_file


@pytest.mark.parametrize(("environ", "platform", "folder"), [
    ({}, "linux", "~/.cache/ecr-credhelper"),
    ({"XDG_CACHE_HOME": "/x"}, "linux", "/x/ecr-credhelper"),
    ({"XDG_CACHE_HOME": "relative"}, "linux", "~/.cache/ecr-credhelper"),
    ({}, "darwin", "~/Library/Caches/ecr-credhelper"),
    ({"LOCALAPPDATA": "/l"}, "win32", "/l/ecr-credhelper"),
    ({"LOCALAPPDATA": "", "USERPROFILE": "/u"}, "win32", "/u/AppData/Local/ecr-credhelper"),
    ({"LOCALAPPDATA": "relative", "USERPROFILE": "/u"}, "win32", "/u/AppData/Local/ecr-credhelper"),
    ({}, "win32", None),
    ({"AWS_ECR_CACHE_DIR": "/given", "XDG_CACHE_HOME": "/x"}, "linux", "/given/ecr-credhelper"),
    ({"AWS_ECR_CACHE_DIR": "~/given"}, "win32", "~/given/ecr-credhelper"),
])  # fmt: skip
def test_the_cache_is_in_the_systems_cache_directory(
    environ: Mapping[str, str], platform: str, folder: str | None
) -> None:
    assert cache_directory(environ, platform) == (folder and os.path.expanduser(folder))


@pytest.mark.parametrize(("environ", "platform", "file"), [
    ({}, "linux", "~/.config/ecr-credhelper/config.toml"),
    ({"XDG_CONFIG_HOME": "/x"}, "linux", "/x/ecr-credhelper/config.toml"),
    ({"XDG_CONFIG_HOME": "relative"}, "linux", "~/.config/ecr-credhelper/config.toml"),
    ({}, "darwin", "~/Library/Application Support/ecr-credhelper/config.toml"),
    ({"APPDATA": "/a"}, "win32", "/a/ecr-credhelper/config.toml"),
    ({"USERPROFILE": "/u"}, "win32", "/u/AppData/Roaming/ecr-credhelper/config.toml"),
    ({}, "win32", None),
    ({"ECR_CREDHELPER_CONFIG": "/given.toml", "XDG_CONFIG_HOME": "/x"}, "linux", "/given.toml"),
    ({"ECR_CREDHELPER_CONFIG": "~/given.toml"}, "win32", "~/given.toml"),
])  # fmt: skip
def test_the_settings_are_in_the_systems_configuration_directory(
    environ: Mapping[str, str], platform: str, file: str | None
) -> None:
    assert settings_file(environ, platform) == (file and os.path.expanduser(file))


def test_the_path_of_dockers_configuration() -> None:
    assert docker_config_file({"DOCKER_CONFIG": "/d"}) == os.path.join("/d", "config.json")
    assert docker_config_file({"DOCKER_CONFIG": ""}) == os.path.expanduser("~/.docker/config.json")
