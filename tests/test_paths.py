"""The paths of our files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from ecr_credhelper.paths import cache_directory, docker_config_file, settings_file, state_directory
from tests.systems import posix_paths


@posix_paths
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


@posix_paths
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
    assert docker_config_file({"DOCKER_CONFIG": ""}) == str(Path("~/.docker/config.json").expanduser())


def test_the_paths_of_this_system_have_its_separator_only(home: Path) -> None:
    for path in (cache_directory(os.environ), settings_file(os.environ), state_directory(os.environ)):
        assert path == str(Path(path or "")), "a Path has one separator"
        assert home in Path(path).parents


def test_the_directories_of_windows(tmp_path: Path) -> None:
    environ = {"LOCALAPPDATA": str(tmp_path), "APPDATA": str(tmp_path / "roaming")}
    assert cache_directory(environ, "win32") == str(tmp_path / "ecr-credhelper")
    assert state_directory(environ, "win32") == str(tmp_path / "ecr-credhelper")
    assert settings_file(environ, "win32") == str(tmp_path / "roaming/ecr-credhelper/config.toml")
    profile = {"USERPROFILE": str(tmp_path)}
    assert cache_directory(profile, "win32") == str(tmp_path / "AppData/Local/ecr-credhelper")
    assert settings_file(profile, "win32") == str(tmp_path / "AppData/Roaming/ecr-credhelper/config.toml")
