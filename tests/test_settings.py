"""The settings file: what it may say, and what is told of one that is wrong."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.settings import load


@pytest.fixture
def file(home: Path) -> Path:
    path = home / ".config/ecr-credhelper/config.toml"
    path.parent.mkdir(parents=True)
    return path


def test_without_a_file_the_defaults_count() -> None:
    assert load(os.environ).fallback is None


def test_without_a_place_for_a_file_the_defaults_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert load({}).fallback is None


@pytest.mark.parametrize("suffix", ["pass", "secretservice", "osxkeychain", "wincred", "desktop", "a.b-c_1"])
def test_a_fallback_is_any_helpers_suffix(suffix: str, file: Path) -> None:
    file.write_text(f'# a comment\nfallback = "{suffix}"\n')
    assert load(os.environ).fallback == suffix


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fallback = 7", "fallback: found 7, expected the end of a credential helper's name"),
        ('fallback = "/bin/sh"', "fallback: found '/bin/sh', expected the end"),
        ('fallback = "-x"', "fallback: found '-x', expected the end"),
        ('fallback = "ecr-py"', "fallback: found 'ecr-py', this helper cannot be its own fallback"),
        ('falback = "pass"', "falback: there is no such setting, did you mean fallback?"),
        ("colour = 1", "colour: there is no such setting, known are: fallback"),
        ("fallback = ", "is not valid TOML: Invalid value (at"),
        ("a = 1\na = 2", "is not valid TOML"),
        ('falback = "pass"\nfallback = 7', "did you mean fallback? / fallback: found 7"),
    ],
)
def test_every_problem_of_a_file_is_told_with_its_field(text: str, told: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load(os.environ)
    assert str(caught.value).startswith(f"{file}: ")
    assert told in str(caught.value)
    assert "ECR_CREDHELPER_CONFIG" in str(caught.value)


def test_a_file_that_is_not_utf_8_is_told(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not valid TOML"):
        load(os.environ)


def test_a_named_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read \(No such file or directory\)"):
        load({"ECR_CREDHELPER_CONFIG": str(tmp_path / "missing.toml")})


def test_a_file_that_is_a_folder_is_told(file: Path) -> None:
    file.mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(os.environ)


@given(st.binary(max_size=200))
def test_any_bytes_are_settings_or_our_error(content: bytes) -> None:
    path = Path(os.environ["HOME"]) / "any.toml"
    path.write_bytes(content)
    with suppress(ConfigurationError):
        load({"ECR_CREDHELPER_CONFIG": str(path)})
