"""Several accounts: settings and environment select the identity for each registry."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from ecr_credhelper.aws import providers
from ecr_credhelper.aws.profiles import LIST_PROFILES, missing_profile, profile_names, resolve_auto, sections
from ecr_credhelper.errors import CredentialsError
from ecr_credhelper.helper import Helper
from tests.commands import output_of
from tests.conftest import EXECUTABLE, HOST, NOT_FOUND, OTHER_ACCOUNT, PUBLIC, Result, Run, login, run, until
from tests.fake_sts import FakeSTS
from tests.terminals import read_to_end

pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")  # Windows has none

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ecr_credhelper.testing.fake_ecr import FakeECR

ROLE = "arn:aws:iam::444455556666:role/puller"
MFA = "arn:aws:iam::111122223333:mfa/me"


@pytest.fixture
def sts(api: FakeECR) -> Iterator[FakeSTS]:
    with FakeSTS(api.identities) as fake:
        yield fake


@pytest.fixture(autouse=True)
def person(home: Path, api: FakeECR, sts: FakeSTS, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configure profiles in two accounts, without a default profile, and the fake endpoints."""
    api.identities |= {"AKIAONE": "one", "AKIATWO": "two"}
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(
        "[profile one]\naws_access_key_id = AKIAONE\naws_secret_access_key = one\n"
        "[profile two]\naws_access_key_id = AKIATWO\naws_secret_access_key = two\n"
        "aws_account_id = 444455556666\n"
        f"[profile mfa]\nrole_arn = {ROLE}\nsource_profile = one\nmfa_serial = {MFA}\n"
    )
    for name, value in {"AWS_ENDPOINT_URL": api.url, **sts.environment}.items():
        monkeypatch.setenv(name, value)


def settings(home: Path, text: str) -> None:
    file = home / ".config/ecr-credhelper/config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_each_account_is_fetched_with_its_profile(home: Path, api: FakeECR, ask: Run) -> None:
    settings(home, '[registry.111122223333]\nprofile = "one"\n[registry.444455556666]\nprofile = "two"\n')
    first, second = ask("get", stdin=HOST).reply, ask("get", stdin=OTHER_ACCOUNT).reply
    assert first["Secret"] != second["Secret"]
    assert [call.access_key for call in api.calls] == ["AKIAONE", "AKIATWO"]
    assert ask("get", stdin=HOST).reply == first
    assert ask("list").reply == {HOST: "AWS", OTHER_ACCOUNT: "AWS"}
    assert len(api.calls) == 2


def test_two_accounts_of_one_profile_share_a_token(home: Path, api: FakeECR, ask: Run) -> None:
    settings(home, '[registry."*.dkr.ecr.*.amazonaws.com"]\nprofile = "one"\n')
    assert ask("get", stdin=HOST).reply["Secret"] == ask("get", stdin=OTHER_ACCOUNT).reply["Secret"]
    assert len(api.calls) == 1


def test_a_rules_profile_overrides_keys_in_the_environment(
    home: Path, api: FakeECR, monkeypatch: pytest.MonkeyPatch, ask: Run
) -> None:
    settings(home, '[registry.444455556666]\nprofile = "two"\n')
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAONE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "one")
    ask("get", stdin=HOST)
    ask("get", stdin=OTHER_ACCOUNT)
    assert [call.access_key for call in api.calls] == ["AKIAONE", "AKIATWO"]


def test_a_profile_is_found_by_the_account(home: Path, api: FakeECR, ask: Run) -> None:
    settings(home, '[registry."*.dkr.ecr.*.amazonaws.com"]\nprofile = "auto"\n')
    with (home / ".aws/config").open("a") as file:
        file.write("[profile sso]\nsso_account_id = 777788889999\n")
        file.write("[profile role]\nrole_arn = arn:aws:iam::777788889999:role/r\n")
    config = (home / ".aws/config").read_text()
    (home / ".aws/config").write_text(
        config.replace("[profile mfa]", "[profile x]").replace(ROLE, ROLE.replace("4444", "0000"))
    )
    ask("get", stdin=OTHER_ACCOUNT)
    assert [call.access_key for call in api.calls] == ["AKIATWO"]
    assert "no AWS profile belongs to account 111122223333" in ask("get", stdin=HOST).error
    several = ask("get", stdin=HOST.replace("111122223333", "777788889999")).error
    assert "several AWS profiles belong to account 777788889999: role, sso" in several


AUTO = '[registry."*.dkr.ecr.*.amazonaws.com"]\nprofile = "auto"\n'


def profile_in(home: Path, account: str, *names: str) -> None:
    """Add profiles to the AWS configuration: each has the key ID AKIA and its name in capitals."""
    with (home / ".aws/config").open("a") as file:
        for name in names:
            header = name if name == "default" else f"profile {name}"
            file.write(f"[{header}]\naws_account_id = {account}\naws_access_key_id = AKIA{name.upper()}\n")
            file.write(f"aws_secret_access_key = {name}\n")


@pytest.fixture
def several(home: Path, api: FakeECR) -> Path:
    """Put three profiles into one account, and select a profile for it with auto."""
    api.identities |= {"AKIADEV": "dev", "AKIAADMIN": "admin", "AKIADEFAULT": "default"}
    profile_in(home, "777788889999", "dev", "admin")
    settings(home, AUTO)
    return home


SEVERAL = HOST.replace("111122223333", "777788889999")


def test_auto_selects_among_several_profiles_as_the_variable_does(
    several: Path, api: FakeECR, ask: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("dev", "admin", "dev"):  # The variable changes the identity, and so the cached token.
        monkeypatch.setenv("AWS_PROFILE", name)
        assert ask("get", stdin=SEVERAL).reply["Username"] == "AWS"
    assert [call.access_key for call in api.calls] == ["AKIADEV", "AKIAADMIN"]
    monkeypatch.setenv("AWS_PROFILE", "two")  # a profile of another account
    assert "several AWS profiles belong to account 777788889999: admin, dev;" in (
        ask("get", stdin=SEVERAL).error
    )
    profile_in(several, "777788889999", "default")
    ask("get", stdin=SEVERAL)
    monkeypatch.setenv("AWS_DEFAULT_PROFILE", "admin")  # This takes precedence in botocore.
    ask("get", stdin=SEVERAL)
    assert [call.access_key for call in api.calls[2:]] == ["AKIADEFAULT", "AKIAADMIN"]


def test_auto_selects_the_only_profile_whatever_the_variable_says(
    home: Path, api: FakeECR, ask: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".aws/config").write_text("")
    profile_in(home, "444455556666", "two")
    profile_in(home, "111122223333", "default")
    settings(home, AUTO)
    monkeypatch.setenv("AWS_PROFILE", "default")
    ask("get", stdin=OTHER_ACCOUNT)
    assert [call.access_key for call in api.calls] == ["AKIATWO"]


def test_auto_with_a_pattern_narrows_the_profiles_by_name(several: Path, api: FakeECR, ask: Run) -> None:
    settings(several, AUTO.replace("auto", "auto:d*"))
    ask("get", stdin=SEVERAL)
    settings(several, AUTO.replace("auto", "auto:*min"))
    ask("get", stdin=SEVERAL)
    assert [call.access_key for call in api.calls] == ["AKIADEV", "AKIAADMIN"]
    settings(several, AUTO.replace("auto", "auto:D*"))
    assert ask("get", stdin=SEVERAL).error.startswith(
        f'{SEVERAL}: no AWS profile of account 777788889999 matches "D*": admin, dev; set'
    )


def test_the_error_of_auto_lists_at_most_eight_profiles(several: Path, ask: Run) -> None:
    profile_in(several, "777788889999", *(f"p{number:02}" for number in range(30)))
    assert ask("get", stdin=SEVERAL).error == (
        f"{SEVERAL}: several AWS profiles belong to account 777788889999: "
        "admin, dev, p00, p01, p02, p03, p04, p05, and 24 more; "
        'set AWS_PROFILE to one of them, or narrow them by name: profile = "auto:PATTERN"'
    )


@pytest.mark.parametrize("host", [PUBLIC, "images.example.com"])
def test_auto_without_an_account_is_an_error(host: str, home: Path, ask: Run) -> None:
    settings(
        home,
        '[registry.public]\nprofile = "auto"\non_error = "error"\n'
        '[registry."images.example.com"]\nregion = "us-west-2"\nprofile = "auto"\n',
    )
    assert ask("get", stdin=host).error == (
        f'{host}: profile = "auto" needs an account, which this registry does not have; '
        "set a profile in the settings file, or account in the rule of a custom host"
    )


def test_auto_uses_the_account_of_a_custom_host(home: Path, api: FakeECR, ask: Run) -> None:
    rule = (
        '[registry."images.example.com"]\nregion = "us-west-2"\naccount = "444455556666"\nprofile = "auto"\n'
    )
    settings(home, rule)
    (home / ".aws/config").write_text("")
    profile_in(home, "444455556666", "two")
    ask("get", stdin="images.example.com")
    assert [call.access_key for call in api.calls] == ["AKIATWO"]


@pytest.mark.parametrize(
    "setting",
    [
        "sso_account_id = 777788889999",
        "granted_sso_account_id = 777788889999",
        "login_session = arn:aws:iam::777788889999:user/me",
        "credential_process = aws-sso process -A 777788889999 -R dev",
        "role_arn = arn:aws:iam::777788889999:role/dev",
    ],
)
def test_auto_finds_the_accounts_that_the_search_finds(setting: str, home: Path) -> None:
    with (home / ".aws/config").open("a") as file:
        file.write(f"[profile found]\n{setting}\n")
    assert resolve_auto("*", "777788889999", os.environ) == "found"


def test_auto_reports_a_file_that_botocore_cannot_read(home: Path, ask: Run) -> None:
    settings(home, AUTO)
    (home / ".aws/config").write_text("[profile one\n")
    assert "has no closing bracket" in ask("get", stdin=HOST).error


@pytest.mark.usefixtures("several")
def test_the_profile_of_auto_is_known_without_an_aws_sdk() -> None:
    code = (
        "import os, sys; from ecr_credhelper.aws.profiles import profile_names, resolve_auto, sections\n"
        "names = profile_names(sections(os.environ))\n"
        "print(resolve_auto('d*', '777788889999', os.environ), 'one' in names)\n"
        "assert 'botocore' not in sys.modules"
    )
    assert output_of([sys.executable, "-c", code]) == "dev True\n"
    names = profile_names(sections(os.environ))
    assert missing_profile("one", names) is None
    assert missing_profile("tow", names) == ("AWS profile 'tow' does not exist", "did you mean two?")
    assert missing_profile("production", names) == ("AWS profile 'production' does not exist", LIST_PROFILES)


def test_variables_for_an_account_do_not_apply_without_an_account(
    api: FakeECR, monkeypatch: pytest.MonkeyPatch, ask: Run
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "one")
    monkeypatch.setenv("ECR_CREDHELPER_PROFILE_", "missing")
    assert ask("get", stdin=PUBLIC).reply["Username"] == "AWS"
    assert [call.access_key for call in api.calls] == ["AKIAONE"]


def test_an_account_without_credentials_does_not_affect_others(home: Path, api: FakeECR, ask: Run) -> None:
    with (home / ".aws/config").open("a") as file:
        file.write("[profile empty]\naws_account_id = 111122223333\n")
    settings(home, '[registry."*.dkr.ecr.*.amazonaws.com"]\nprofile = "auto"\n')
    text = (home / ".aws/config").read_text()
    (home / ".aws/config").write_text(text.replace("[profile mfa]", "[profile x]").replace(ROLE, "none"))
    assert "no AWS credentials found" in ask("get", stdin=HOST).error
    assert ask("get", stdin=OTHER_ACCOUNT).reply["Username"] == "AWS"
    assert [call.access_key for call in api.calls] == ["AKIATWO"]


def test_a_rules_role_is_assumed_with_a_profile(home: Path, api: FakeECR, sts: FakeSTS, ask: Run) -> None:
    settings(
        home,
        f'[registry.444455556666]\nprofile = "one"\nrole_arn = "{ROLE}"\nrole_session_name = "docker"\n'
        'external_id = "an-id"\nduration = 900.0\n',
    )
    first = ask("get", stdin=OTHER_ACCOUNT).reply
    assert ask("get", stdin=OTHER_ACCOUNT).reply == first
    (call,) = sts.calls
    given = {
        name: call.parameters[name]
        for name in ("RoleArn", "RoleSessionName", "ExternalId", "DurationSeconds")
    }
    assert given == {
        "RoleArn": ROLE,
        "RoleSessionName": "docker",
        "ExternalId": "an-id",
        "DurationSeconds": "900",
    }
    assert [call.access_key[:4] for call in api.calls] == ["ASIA"]


def test_a_rules_role_is_assumed_with_a_profiles_role(home: Path, sts: FakeSTS, ask: Run) -> None:
    with (home / ".aws/config").open("a") as file:
        file.write(f"[profile role]\nrole_arn = {ROLE}-below\nsource_profile = one\n")
    settings(home, f'[registry.444455556666]\nprofile = "role"\nrole_arn = "{ROLE}"\n')
    assert ask("get", stdin=OTHER_ACCOUNT).reply["Username"] == "AWS"
    assert [call.parameters["RoleArn"] for call in sts.calls] == [f"{ROLE}-below", ROLE]


def test_an_unwritable_cli_cache_does_not_fail_a_get(home: Path, ask: Run) -> None:
    (home / ".aws/cli").write_text("in the way")
    settings(home, f'[registry.444455556666]\nprofile = "one"\nrole_arn = "{ROLE}"\n')
    assert ask("get", stdin=OTHER_ACCOUNT).reply["Username"] == "AWS"


def test_a_role_without_source_credentials_is_an_error(home: Path, ask: Run) -> None:
    settings(home, f'[registry.444455556666]\nrole_arn = "{ROLE}"\n')
    assert "no AWS credentials found" in ask("get", stdin=OTHER_ACCOUNT).error


@pytest.mark.parametrize("field", ["profile", "role_arn"])
def test_variables_can_replace_the_settings_file(
    field: str, api: FakeECR, sts: FakeSTS, monkeypatch: pytest.MonkeyPatch, ask: Run
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "one")
    first = ask("get", stdin=OTHER_ACCOUNT).reply
    monkeypatch.setenv(f"ECR_CREDHELPER_{field.upper()}_444455556666", "two" if field == "profile" else ROLE)
    assert ask("get", stdin=OTHER_ACCOUNT).reply != first
    ask("get", stdin=HOST)
    assert [call.access_key[:7] for call in api.calls] == [
        "AKIAONE",
        "AKIATWO" if field == "profile" else "ASIAFAK",
    ]
    assert len(sts.calls) == (0 if field == "profile" else 1)


def test_a_rule_sets_region_endpoint_and_ca_bundle(
    home: Path, api: FakeECR, monkeypatch: pytest.MonkeyPatch, ask: Run
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    settings(
        home,
        f'[registry.111122223333]\nprofile = "one"\nregion = "eu-west-3"\nendpoint_url = "{api.url}"\n'
        '[registry.444455556666]\nprofile = "two"\nca_bundle = "/missing.pem"\n',
    )
    ask("get", stdin=HOST)
    assert [call.region for call in api.calls] == ["eu-west-3"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:9")
    assert ask("get", stdin=OTHER_ACCOUNT).status == 1


def test_a_custom_host_in_the_settings_is_an_ecr_registry(home: Path, api: FakeECR, ask: Run) -> None:
    settings(
        home,
        '[registry."images.example.com"]\naccount = "111122223333"\nregion = "eu-west-1"\nprofile = "one"\n'
        '[registry."local.stack:4566"]\nregion = "us-east-1"\nprofile = "one"\n'
        '[registry."pub.example.com"]\npublic = true\nprofile = "one"\n',
    )
    first = ask("get", stdin="https://Images.example.com/v2/").reply
    assert first["Username"] == "AWS"
    assert ask("get", stdin="images.example.com").reply["Secret"] == first["Secret"]
    ask("get", stdin="local.stack:4566")
    ask("get", stdin="pub.example.com")
    assert [(call.service, call.region) for call in api.calls] == [
        ("ecr", "eu-west-1"), ("ecr", "us-east-1"), ("ecr-public", "us-east-1"),
    ]  # fmt: skip
    assert set(ask("list").reply) == {"images.example.com", "local.stack:4566", "pub.example.com"}
    assert ask("store", stdin=login("local.stack:4566")) == Result(0, b"", b"")
    assert ask("get", stdin="http://local.stack:4566").reply["Secret"] == "a-password"
    assert ask("erase", stdin="local.stack:4566") == Result(0, b"", b"")
    assert ask("get", stdin="local.stack") == Result(1, NOT_FOUND, b"")
    assert ask("get", stdin="ghcr.io") == Result(1, NOT_FOUND, b"")


@pytest.mark.parametrize("where", ["top", "rule"])
def test_on_error_not_found_reports_failures_as_not_found(where: str, home: Path, ask: Run) -> None:
    settings(home, f'{"[registry.111122223333]" if where == "rule" else ""}\non_error = "not-found"\n')
    assert ask("get", stdin=HOST) == Result(1, NOT_FOUND, b"")
    if where == "rule":
        assert "no AWS credentials" in ask("get", stdin=OTHER_ACCOUNT).error
    settings(home, '[registry.public]\non_error = "error"\n')
    assert "no AWS credentials" in ask("get", stdin=PUBLIC).error


def test_a_wrong_rule_does_not_affect_other_registries(home: Path, api: FakeECR, ask: Run) -> None:
    settings(home, '[registry.111122223333]\nprofil = "one"\n[registry.444455556666]\nprofile = "two"\n')
    assert (
        "registry.111122223333.profil: unknown setting; did you mean profile?" in ask("get", stdin=HOST).error
    )
    assert ask("get", stdin=OTHER_ACCOUNT).reply["Username"] == "AWS"
    settings(home, '[registry.111122223333]\nregion = 1\n[registry.444455556666]\nprofile = "two"\n')
    assert ask("get", stdin=OTHER_ACCOUNT).reply["Username"] == "AWS"
    assert len(api.calls) == 1  # the rule of this registry has not changed


def test_changed_settings_select_another_identity_at_once(home: Path, api: FakeECR, ask: Run) -> None:
    for profile in ("one", "two"):
        settings(home, f'[registry.111122223333]\nprofile = "{profile}"\n')
        ask("get", stdin=HOST)
    assert [call.access_key for call in api.calls] == ["AKIAONE", "AKIATWO"]


def test_the_deadline_is_a_setting(home: Path, api: FakeECR, ask: Run) -> None:
    settings(home, 'deadline = 1\n[registry.111122223333]\nprofile = "one"\n')
    api.gate.clear()
    assert re.search(r" (after|within) 1 s", ask("get", stdin=HOST).error)


def test_missing_credentials_are_remembered(api: FakeECR, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run("get", stdin=HOST).error
    assert "no AWS credentials found" in first
    again = run("get", stdin=HOST).error
    assert re.sub(r" \(\d+ s ago, not tried again since\)", "", again, count=1) == first != again
    monkeypatch.setenv("AWS_PROFILE", "one")
    assert run("get", stdin=HOST).reply["Username"] == "AWS"
    assert len(api.calls) == 1


def test_missing_credentials_are_remembered_for_a_minute(
    api: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same in this process, with a clock."""
    now = time.time()
    monkeypatch.delenv("AWS_ENDPOINT_URL")

    def get(host: str = HOST) -> bytes:
        return Helper(os.environ, lambda: now, print).run("get", io.BytesIO(host.encode())).stdout

    first = get()
    looked: list[str] = []
    monkeypatch.setattr("ecr_credhelper.aws.client.session_for", lambda *_, **__: looked.append("again"))
    assert b"no AWS credentials found" in first
    now += 59
    assert get() == first.replace(b";", b" (59 s ago, not tried again since);", 1)
    assert get(PUBLIC) == NOT_FOUND  # for every registry
    assert looked == []
    now += 2
    get()
    assert looked == ["again"]
    assert api.calls == []


# MFA: prompts on the terminal, never on standard input.


def test_without_a_terminal_a_required_mfa_code_is_an_error(
    sts: FakeSTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mfa")
    error = run("get", stdin=HOST, start_new_session=True).error
    assert f"role {ROLE} needs an MFA code, but no terminal is available; run: aws sts" in error
    assert sts.calls == []


def test_on_a_terminal_the_user_is_prompted_once_for_an_mfa_code(
    sts: FakeSTS, api: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mfa")
    settings(home, "deadline = 600\n")  # however busy the machine is
    terminal, other_end = pty.openpty()
    # The first terminal that a session opens becomes /dev/tty. The standard streams are the client's pipes.
    command = f'exec 3<>"{os.ttyname(other_end)}"; exec "{EXECUTABLE}" get'
    with subprocess.Popen(
        ["sh", "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdin
        process.stdin.write(HOST.encode())
        process.stdin.close()
        process.stdin = None
        # The echo goes off when it asks, or it has ended.
        until(lambda: not termios.tcgetattr(other_end)[3] & termios.ECHO or process.poll() is not None)
        os.write(terminal, b"123456\n")
        stdout, stderr = process.communicate(timeout=60)
    os.close(other_end)
    shown = read_to_end(terminal).decode()
    os.close(terminal)
    assert f"{HOST}: role {ROLE}: Enter MFA code for {MFA}" in shown
    assert "123456" not in shown
    assert (json.loads(stdout)["Username"], stderr) == ("AWS", b"")
    assert [(c.parameters["SerialNumber"], c.parameters["TokenCode"]) for c in sts.calls] == [(MFA, "123456")]
    run("get", stdin=HOST.replace("us-west-2", "eu-central-1"), start_new_session=True)
    assert len(sts.calls) == 1  # the AWS CLI's cache has the credentials
    assert len(api.calls) == 2
    assert len(list((home / ".aws/cli/cache").iterdir())) == 1


def no_input(_: str) -> str:
    raise EOFError


def test_the_mfa_prompt_names_the_role(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "tty").touch()
    monkeypatch.setattr(providers, "TERMINAL", str(tmp_path / "tty"))
    monkeypatch.setattr("getpass.getpass", lambda prompt: prompt)
    assert providers.prompt_for_mfa(HOST, ROLE, "mfa", "Enter it: ") == f"{HOST}: role {ROLE}: Enter it: "
    assert providers.prompt_for_mfa("", ROLE, "mfa", "Enter it: ") == f"role {ROLE}: Enter it: "
    with monkeypatch.context() as patch:
        patch.setattr("getpass.getpass", no_input)
        with pytest.raises(CredentialsError, match="but none was entered; run: aws"):
            providers.prompt_for_mfa(HOST, ROLE, "mfa", "")
    monkeypatch.setattr(providers, "TERMINAL", str(tmp_path / "missing"))
    with pytest.raises(CredentialsError, match="--profile mfa"):
        providers.prompt_for_mfa(HOST, ROLE, "mfa", "")
    monkeypatch.setattr("os.name", "nt")
    assert providers.prompt_for_mfa(HOST, ROLE, "", "") == f"{HOST}: role {ROLE}: "
