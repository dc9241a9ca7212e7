"""What tells one AWS identity from another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.fingerprint import FILES, SELF_CONTAINED, VARIABLES, fingerprint, machine


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_makes_another_line(name: str) -> None:
    assert fingerprint({name: "one"}) != fingerprint({name: "two"}) != fingerprint({})


def test_an_empty_variable_is_not_the_same_as_none() -> None:
    """botocore has no profile with an empty name: it must not be served the default profile's token."""
    assert fingerprint({"AWS_PROFILE": ""}) != fingerprint({})
    assert fingerprint({"AWS_CONFIG_FILE": ""}) != fingerprint({})


@pytest.mark.parametrize(
    "name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"]
)
def test_no_secret_is_in_the_line(name: str) -> None:
    assert "the-secret" not in fingerprint({name: "the-secret"})


def test_an_authorization_token_of_another_container_makes_another_line() -> None:
    name = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
    assert fingerprint({name: "one"}) != fingerprint({name: "two"})


@pytest.mark.parametrize("name", [".aws/config", ".aws/credentials", ".boto"])
def test_a_configuration_file_makes_another_line_when_it_changes(home: Path, name: str) -> None:
    lines = [fingerprint({})]
    file = home / name
    file.parent.mkdir(exist_ok=True)
    for text in ("[default]\n", "[profile other]\n"):
        file.write_text(text)
        lines.append(fingerprint({}))
    file.unlink()
    assert len(set(lines)) == 3
    assert fingerprint({}) == lines[0]


@pytest.mark.parametrize("name", [variable for variable, _ in FILES if variable])
def test_a_file_that_a_variable_names_counts_by_path_and_by_content(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE", str(tmp_path))
    (tmp_path / "file").write_text("one")
    before = fingerprint({name: "$PLACE/file"})
    (tmp_path / "file").write_text("other")
    assert fingerprint({name: "$PLACE/file"}) != before


def test_a_replaced_file_of_the_same_size_and_time_makes_another_line(home: Path) -> None:
    file = home / ".boto"
    file.write_text("one")
    os.utime(file, ns=(1, 1))
    before = fingerprint({})
    other = home / "other"
    other.write_text("two")
    os.utime(other, ns=(1, 1))
    other.replace(file)
    assert fingerprint({}) != before


def test_the_machine_counts_where_nothing_else_tells_two_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecr_credhelper.fingerprint.machine", lambda _: "one")
    assert "machine=one" in fingerprint({})
    assert "machine=one" in fingerprint({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1"})
    for name in SELF_CONTAINED:
        assert "machine=" not in fingerprint({name: "x"})


def test_a_machine_is_told_by_its_boot_id_else_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "boot_id"
    file.write_text("an-id\n")
    assert machine({}, str(file)) == "an-id"
    missing = str(tmp_path / "missing")
    monkeypatch.setattr("sys.platform", "win32")
    assert machine({"COMPUTERNAME": "A-PC"}, missing) == "A-PC"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no os.uname")
def test_a_machine_without_a_boot_id_is_told_by_its_name(tmp_path: Path) -> None:
    assert machine({}, str(tmp_path / "missing")) == os.uname().nodename


def test_a_path_that_no_file_can_have_is_no_error() -> None:
    assert "=-" in fingerprint({"AWS_CONFIG_FILE": "a\0b"})


@given(st.dictionaries(st.sampled_from(VARIABLES), st.text(max_size=20)))
def test_any_surroundings_make_one_printable_line(environ: dict[str, str]) -> None:
    assert all(field.isprintable() for field in fingerprint(environ).split("\t"))


def test_a_tab_in_a_value_cannot_pass_for_another_field() -> None:
    assert fingerprint({"AWS_PROFILE": "a\tAWS_ROLE_ARN=b"}) != fingerprint(
        {"AWS_PROFILE": "a", "AWS_ROLE_ARN": "b"}
    )
