"""The way from no configuration to a warm pull: search, choose, confirm, and fetch each login once.

Real profiles of several SSO accounts, the fake APIs, and the executable, on terminals and without one.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ecr_credhelper.cli import verification
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests.cli.first_pull import APPLY, CHOICE, WHICH, converse, error_of, needs_pty, plain, rules
from tests.conftest import HOST, OTHER_ACCOUNT, Run, run
from tests.docker_files import here, load, tree, write
from tests.fake_sts import FakeSTS

pytestmark = pytest.mark.usefixtures("machine")

THIRD = "777788889999.dkr.ecr.eu-west-1.amazonaws.com"


@needs_pty
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_every_account_of_an_sso_user_works_after_one_choice_and_one_confirmation(
    columns: int, sso: FakeSTS, api: FakeECR, config: Path, settings: Path, home: Path
) -> None:
    write(config, json.dumps({"credHelpers": {HOST: "ecr-login"}}))
    before = tree(home)
    answers = [(CHOICE, "1,9"), (CHOICE, ""), (WHICH, "x"), (WHICH, "2"), (APPLY, "y")]
    session = converse("configure", answers=answers, columns=columns)
    screen = plain(session.screen)
    assert session.status == 0, screen
    assert max(map(len, screen.splitlines())) <= columns
    flat = " ".join(screen.split()).replace("/ REPOSITORY", "/REPOSITORY")
    assert f"{HOST}: replaces docker-credential-ecr-login " in flat
    assert screen.count(CHOICE) == screen.count(WHICH) == 2
    assert screen.count(APPLY) == 1
    for host in (HOST, OTHER_ACCOUNT, THIRD):
        assert re.search(rf"^\d +{re.escape(host)}( |$)", screen, re.MULTILINE), "hosts are whole"
    assert load(config) == {"credHelpers": dict.fromkeys([HOST, OTHER_ACCOUNT, THIRD], "ecr-py")}
    profiles = {account: rule["profile"] for account, rule in rules(settings).items()}
    assert profiles == {"111122223333": "dev", "444455556666": "prod-admin", "777788889999": "other"}
    assert '+profile = "prod-admin"\n' in screen, "the diff shows the rules"
    assert "Updated 2 files (undo: docker-credential-ecr-py unconfigure) Checking logins " in flat
    assert f"✓ {HOST} valid for 12 h " in flat
    assert f"✓ {OTHER_ACCOUNT} valid for 12 h " in flat
    assert re.search(rf"✗ {THIRD} .*SSO session.* run: aws sso login --profile other ", flat)
    assert flat.endswith(f" Next: docker pull {HOST}/REPOSITORY:TAG")
    # The first pull is warm, in another shell with another profile too.
    assert [call.parameters["role_name"] for call in sso.calls] == ["dev", "admin"]
    calls = len(api.calls)
    assert [run("get", stdin=host).status for host in (HOST, OTHER_ACCOUNT)] == [0, 0]
    assert len(api.calls) == calls
    assert run("unconfigure", "--yes").status == 0
    assert {name: text for name, text in tree(home).items() if name in before} == before
    assert not settings.exists()


@needs_pty
@pytest.mark.usefixtures("sso")
@pytest.mark.parametrize(
    "answers",
    [[(CHOICE, "none")], [(CHOICE, "\x04")], [(CHOICE, "1"), (APPLY, "n")]],
)
def test_nothing_changes_unless_the_user_wants_it(answers: list[tuple[str, str]], home: Path) -> None:
    before = tree(home)
    session = converse("configure", answers=answers)
    assert session.status == 1
    assert plain(session.screen).endswith("nothing changed\n")
    assert {name: text for name, text in tree(home).items() if ".cache" not in name} == before


@needs_pty
def test_a_dry_run_fetches_and_writes_nothing(sso: FakeSTS, api: FakeECR, home: Path) -> None:
    before = tree(home)
    session = converse("configure", "--dry-run", answers=[(CHOICE, "1")])
    assert session.status == 0
    assert '+profile = "dev"' in plain(session.screen)
    assert (tree(home), sso.calls, api.calls) == (before, [], [])


@needs_pty
def test_no_fetch_skips_the_logins(sso: FakeSTS, config: Path) -> None:
    session = converse("configure", "--no-fetch", answers=[(CHOICE, "1"), (APPLY, "y")])
    assert session.status == 0
    assert "Checking logins" not in session.screen
    assert plain(session.screen).endswith(f"Next: docker pull {HOST}/REPOSITORY:TAG\n")
    assert sso.calls == []
    assert load(config) == {"credHelpers": {HOST: "ecr-py"}}


@needs_pty
def test_mfa_codes_are_asked_for_one_after_another(
    api: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = [("one", HOST), ("two", OTHER_ACCOUNT)]
    text = "".join(
        f"[profile {name}]\nrole_arn = arn:aws:iam::{host[:12]}:role/r\nsource_profile = keys\n"
        f"mfa_serial = token-of-{name}\nregion = us-west-2\n"
        for name, host in roles
    )
    keys = f"[profile keys]\naws_access_key_id = {api.access_key}\naws_secret_access_key = {api.secret_key}\n"
    write(home / ".aws/config", text + keys)
    with FakeSTS(api.identities) as sts:
        for name, value in {**sts.environment, "AWS_ENDPOINT_URL": api.url}.items():
            monkeypatch.setenv(name, value)
        questions = [("MFA code for token-of-one:", "111111"), ("MFA code for token-of-two:", "222222")]
        session = converse("configure", answers=[(CHOICE, "all"), (APPLY, "y"), *questions])
    screen = plain(session.screen)
    assert session.status == 0
    assert screen.count("valid for 12 h") == 2, screen
    assert [call.parameters["TokenCode"] for call in sts.calls] == ["111111", "222222"]


# -- without a terminal

HOW = "; specify HOST ..., or use --discover with --match PATTERN or --all, and --yes"


@pytest.mark.usefixtures("sso")
def test_without_a_terminal_the_error_says_what_to_give(ask: Run, home: Path) -> None:
    before = tree(home)
    assert error_of(ask("configure")) == f"docker-credential-ecr-py: no registry specified{HOW}"
    assert error_of(ask("configure", "--yes")) == f"docker-credential-ecr-py: no registry specified{HOW}"
    assert (
        error_of(ask("configure", "--discover", "--yes"))
        == f"docker-credential-ecr-py: no registry selected{HOW}"
    )
    assert HOST in ask("configure", "--discover").stdout.decode(), "the registries to choose from are shown"
    assert error_of(ask("configure", "--match", "7*")).endswith(
        "not running in a terminal; use --yes to apply the changes"
    )
    assert tree(home) == before


@pytest.mark.usefixtures("sso")
def test_two_profiles_for_one_registry_stop_a_script(
    ask: Run, home: Path, config: Path, settings: Path
) -> None:
    before = tree(home)
    error = error_of(ask("configure", "--all", "--yes"))
    assert error == (
        "docker-credential-ecr-py: 444455556666: several AWS profiles lead there: prod, prod-admin; "
        "choose one with: --match '444455556666*' --profile prod"
    )
    assert tree(home) == before
    assert ask("configure", "--match", "444455556666*", "--profile", "prod", "--yes").status == 0
    assert list(load(config)["credHelpers"]) == [OTHER_ACCOUNT]
    assert rules(settings) == {"444455556666": {"profile": "prod"}}
    assert ask("configure", "--all", "--yes").status == 0, "the settings select it now"
    assert {account: rule["profile"] for account, rule in rules(settings).items()} == {
        "444455556666": "prod",
        "111122223333": "dev",
        "777788889999": "other",
    }


def test_an_image_build_contains_no_token(ask: Run, sso: FakeSTS, api: FakeECR, home: Path) -> None:
    result = ask("configure", "--match", f"{HOST[:12]}.*", "--yes")
    assert (result.status, result.stderr) == (0, b"")
    assert result.stdout.decode().endswith("Updated 2 files (undo: docker-credential-ecr-py unconfigure)\n")
    assert (sso.calls, api.calls) == ([], [])
    assert not [name for name in tree(home) if ".cache" in name]


def test_fetch_fetches_without_a_terminal(
    sso: FakeSTS, api: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "TOTAL_SECONDS", 600)
    session = here("configure", "--match", f"{HOST[:12]}.*", "--yes", "--fetch")
    assert session.status == 0
    assert session.screen.endswith(
        f"Checking logins\nok {HOST}  valid for 12 h\n\nNext: docker pull {HOST}/REPOSITORY:TAG\n"
    )
    assert (len(sso.calls), len(api.calls)) == (1, 1)
    assert run("get", stdin=HOST).status == 0
    assert len(api.calls) == 1


def test_a_failed_fetch_is_a_warning(aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "TOTAL_SECONDS", 600)
    aws.faults.append(Fault.aws("AccessDeniedException"))
    session = here("configure", HOST, "--yes", "--fetch")
    assert session.status == 0
    reason, hint = session.screen.splitlines()[-2:]
    assert reason.startswith(f"XX {HOST}  AWS denies GetAuthorizationToken")
    assert hint.startswith("  ")
    assert "Next:" not in session.screen
