"""The files that configure changes: each registry in the files where it was found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import systems
from tests.cli.first_pull import APPLY, CHOICE, converse, needs_pty, plain
from tests.conftest import HOST, OTHER_ACCOUNT, OTHER_REGION, Run, run
from tests.docker_files import here, load, tree, write

pytestmark = systems.scripts

LOGIN = {"auth": "QVdTOng="}


@pytest.fixture
def podman(home: Path) -> Path:
    return home / ".config/containers/auth.json"


def install(machine: Path, *programs: str) -> None:
    """Put programs that list no images on PATH."""
    for name in programs:
        write(machine / name, "#!/bin/sh\n").chmod(0o755)


def hosts_in(path: Path) -> set[str]:
    return {host for host, name in load(path)["credHelpers"].items() if name == "ecr-py"}


@needs_pty
@pytest.mark.usefixtures("aws")
def test_each_registry_is_changed_where_it_was_found(
    machine: Path, config: Path, podman: Path, home: Path
) -> None:
    install(machine, "docker", "podman")
    write(config, json.dumps({"credHelpers": {HOST: "ecr-login"}}))
    entries = {HOST: "ecr-login", OTHER_ACCOUNT: "ecr-login"}
    write(podman, json.dumps({"credHelpers": entries, "auths": {OTHER_REGION: LOGIN}}))
    before = tree(home)
    answers = [(CHOICE, "all"), ("Remove it?", "y"), (APPLY, "y")]
    session = converse("configure", "--no-fetch", answers=answers)
    screen = plain(session.screen)
    assert session.status == 0, screen
    assert screen.count(APPLY) == 1
    assert "+++ ~/.docker/config.json" in screen
    assert "+++ ~/.config/containers/auth.json" in screen
    assert "Updated 2 files" in screen
    assert hosts_in(config) == {HOST}
    assert hosts_in(podman) == {HOST, OTHER_ACCOUNT, OTHER_REGION}
    assert not load(podman)["auths"]
    assert screen.endswith(f"\nNext: docker pull {HOST}/REPOSITORY:TAG\n")
    assert run("unconfigure", "--yes").status == 0
    assert {name: text for name, text in tree(home).items() if ".cache" not in name} == before


@pytest.mark.parametrize(
    ("programs", "has_config", "expected"),
    [
        (("docker", "podman"), False, "docker"),
        (("podman",), True, "docker"),
        (("podman",), False, "podman"),
        (("skopeo",), False, "podman"),
        (("buildah",), False, "podman"),
        ((), False, "docker"),
    ],
)
def test_a_registry_that_no_file_mentions_goes_to_the_client_in_use(
    programs: tuple[str, ...],
    has_config: bool,
    expected: str,
    ask: Run,
    machine: Path,
    config: Path,
    podman: Path,
    home: Path,
) -> None:
    install(machine, *programs)
    write(home / ".aws/config", "[default]\naws_account_id = 111122223333\nregion = us-west-2\n")
    if has_config:
        write(config, "{}")
    assert ask("configure", "--all", "--yes").status == 0
    changed = {"docker": config, "podman": podman}
    assert hosts_in(changed.pop(expected)) == {HOST}
    (other,) = changed.values()
    assert not other.exists()
    assert ask("unconfigure", "--yes").status == 0
    assert not other.exists()


def test_a_login_of_this_boot_is_replaced_in_the_permanent_file(
    ask: Run, machine: Path, config: Path, podman: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(machine, "docker", "podman")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    temporary = write(tmp_path / "run/containers/auth.json", json.dumps({"auths": {HOST: LOGIN}}))
    result = ask("configure", "--all", "--yes")
    assert hosts_in(podman) == {HOST}
    assert not config.exists()
    warning = f"{temporary} takes precedence and has a login; run: podman logout {HOST}"
    assert warning in result.stderr.decode()


def test_a_given_registry_replaces_the_helper_of_podman_too(config: Path, podman: Path) -> None:
    content = {"credHelpers": {HOST: "ecr-login"}, "auths": {OTHER_REGION: LOGIN}}
    write(podman, json.dumps(content))
    screen = here("configure", HOST, OTHER_REGION, "--yes").screen
    assert f"{HOST}: replaces docker-credential-ecr-login in {podman}\n" in screen
    assert (hosts_in(config), hosts_in(podman)) == ({HOST, OTHER_REGION}, {HOST})
    assert load(podman)["auths"] == {OTHER_REGION: LOGIN}, (
        "only a search, or --podman, removes podman's login"
    )
    screen = here("configure", HOST, "--yes").screen
    assert screen.endswith(f"ok {config}: no changes needed\nok {podman}: no changes needed\n")


def test_one_file_for_both_clients_is_changed_once(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(config))
    write(config, json.dumps({"credHelpers": {HOST: "ecr-login"}}))
    screen = here("configure", HOST, "--yes").screen
    assert hosts_in(config) == {HOST}
    assert screen.endswith(f"Updated {config} (undo: docker-credential-ecr-py unconfigure)\n")


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("programs", "client"), [(("docker", "podman"), "docker"), (("podman",), "podman"), ((), "docker")]
)
def test_the_next_step_names_a_client_that_is_there(
    programs: tuple[str, ...], client: str, machine: Path
) -> None:
    install(machine, *programs)
    screen = here("configure", HOST, "--no-fetch", typed="y\n").screen
    assert screen.endswith(f"\nNext: {client} pull {HOST}/REPOSITORY:TAG\n")


@pytest.mark.usefixtures("aws")
def test_the_next_step_names_podman_if_only_podman_is_configured(machine: Path, podman: Path) -> None:
    install(machine, "docker", "podman")
    write(podman, json.dumps({"credHelpers": {HOST: "ecr-login"}}))
    screen = here("configure", "--all", "--no-fetch", typed="y\n").screen
    assert screen.endswith(f"\nNext: podman pull {HOST}/REPOSITORY:TAG\n")


@pytest.mark.parametrize("option", [("--profile", "dev"), ("--role-arn", "arn:aws:iam::111122223333:role/r")])
def test_an_identity_without_a_registry_is_a_usage_error(
    ask: Run, option: tuple[str, str], home: Path, config: Path
) -> None:
    result = ask("configure", "--creds-store", *option, "--yes")
    assert (result.status, tree(home)) == (2, {})
    assert result.stderr.decode() == (
        "docker-credential-ecr-py configure: --profile and --role-arn are saved for a registry, "
        "but none is specified; specify HOST ...\n"
    )
    assert ask("configure", "--creds-store", HOST, *option, "--yes").status == 0
    assert load(config)["credsStore"] == "ecr-py"
