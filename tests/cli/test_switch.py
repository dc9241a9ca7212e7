"""The switch from Amazon's helper, docker-credential-ecr-login, to this one."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.cli.first_pull import APPLY, CHOICE, converse, needs_pty
from tests.conftest import EXECUTABLE, HOST, NOT_FOUND, PUBLIC, run
from tests.docker_files import here, load, tree, write

pytestmark = pytest.mark.usefixtures("machine")


@needs_pty
@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("answer", ["y", "n"])
def test_configure_offers_to_replace_amazons_credential_store(answer: str, config: Path, home: Path) -> None:
    original = write(config, json.dumps({"credsStore": "ecr-login", "credHelpers": {HOST: "ecr-login"}}))
    before = original.read_bytes()
    question = "Replace it with this helper?"
    session = converse("configure", "--no-fetch", answers=[(CHOICE, "1"), (question, answer), (APPLY, "y")])
    assert session.status == 0, session.screen
    assert load(config)["credsStore"] == ("ecr-py" if answer == "y" else "ecr-login")
    assert run("unconfigure", "--yes").status == 0
    assert {name: text for name, text in tree(home).items() if ".cache" not in name} == {
        ".docker/config.json": before
    }


@needs_pty
def test_a_store_of_amazons_helper_is_replaced_without_any_registry(config: Path) -> None:
    write(config, '{"credsStore": "ecr-login"}')
    answers = [("Replace it with this helper?", "y"), (APPLY, "y")]
    assert converse("configure", answers=answers).status == 0
    assert load(config) == {"credsStore": "ecr-py"}


def test_old_logins_are_removed_with_amazons_credential_store(config: Path, home: Path) -> None:
    logins = {HOST: {"auth": "eDp5"}, f"https://{PUBLIC}": {"auth": "eDp5"}, "ghcr.io": {"auth": "eDp5"}}
    original = json.dumps({"auths": logins, "credsStore": "ecr-login"}, indent=1)
    write(config, original)
    session = here("configure", "--creds-store", typed="y\nn\ny\n")
    assert session.screen.count("Remove it?") == 2
    assert list(load(config)["auths"]) == [f"https://{PUBLIC}", "ghcr.io"]
    here("configure", "--creds-store", "--yes")
    here("unconfigure", "--yes")
    assert config.read_text() == original
    here("configure", "--creds-store", "--yes")
    assert list(load(config)["auths"]) == ["ghcr.io"]
    here("unconfigure", "--yes")
    assert tree(home) == {".docker/config.json": original.encode()}


def test_entries_of_amazons_helper_are_replaced_with_its_credential_store(config: Path, home: Path) -> None:
    original = json.dumps({"credHelpers": {HOST: "ecr-login", "ghcr.io": "pass"}, "credsStore": "ecr-login"})
    write(config, original)
    session = here("configure", "--creds-store", "--yes")
    assert f"{HOST}: replaces docker-credential-ecr-login\n" in session.screen
    assert load(config) == {"credHelpers": {HOST: "ecr-py", "ghcr.io": "pass"}, "credsStore": "ecr-py"}
    here("unconfigure", "--yes")
    assert tree(home) == {".docker/config.json": original.encode()}


def test_amazons_helper_never_becomes_the_fallback(config: Path, home: Path) -> None:
    write(config, '{"credsStore": "ecr-login"}')
    result = run("configure", "--creds-store", "--yes")
    assert result.status == 0
    assert b"credsStore: replaces docker-credential-ecr-login\n" in result.stdout
    assert load(config) == {"credsStore": "ecr-py"}
    assert not [name for name in tree(home) if name.endswith(".toml")]
    assert run("unconfigure", "--yes").status == 0
    assert config.read_text() == '{"credsStore": "ecr-login"}'


@pytest.mark.usefixtures("aws")
@pytest.mark.skipif(sys.platform == "win32", reason="a symbolic link")
@pytest.mark.parametrize("is_relative", [True, False])
def test_a_link_with_the_name_of_amazons_helper_works(is_relative: bool, machine: Path, config: Path) -> None:
    """jib, images and CI stacks refer to docker-credential-ecr-login."""
    write(config, json.dumps({"credHelpers": {HOST: "ecr-login"}, "credsStore": "ecr-login"}))
    link = machine / "docker-credential-ecr-login"
    link.symlink_to("docker-credential-ecr-py" if is_relative else EXECUTABLE)
    for program in (str(link), link.name):
        result = run("get", stdin=HOST, program=[program], env={**os.environ, "PYTHONPATH": str(machine)})
        assert result.reply["Username"] == "AWS"
        assert run("get", stdin="ghcr.io", program=[program]).stdout == NOT_FOUND
        assert run("list", program=[program]).reply == {HOST: "AWS"}
