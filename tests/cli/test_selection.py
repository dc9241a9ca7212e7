"""The choice of registries and profiles: what the user sees, and which answers are accepted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from ecr_credhelper.cli import configure, selection, verification
from ecr_credhelper.cli.arguments import parser
from ecr_credhelper.console.terminal import Terminal
from ecr_credhelper.docker.discovery import Candidate, Search
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.cli.first_pull import APPLY, CHOICE, WHICH, rules
from tests.conftest import HOST, OTHER_ACCOUNT, OTHER_REGION, PUBLIC
from tests.docker_files import Screen, here, load, tree, write

HOSTS = [HOST, OTHER_ACCOUNT, PUBLIC]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "TOTAL_SECONDS", 600)


def find(
    monkeypatch: pytest.MonkeyPatch,
    *candidates: Candidate,
    searched: Sequence[str] = ("Docker", "AWS", "local images"),
    problems: Sequence[str] = (),
    accounts_without_region: Sequence[tuple[str, str]] = (),
) -> None:
    """Replace the search, which tests/docker/test_discovery.py covers."""
    found = Search(list(candidates), list(searched), list(problems), list(accounts_without_region))
    monkeypatch.setattr(selection, "search", lambda *_: found)


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    find(monkeypatch, *(Candidate(host, ("images",), ()) for host in HOSTS))


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("", HOSTS),
        ("all", HOSTS),
        (" ALL ", HOSTS),
        ("1,3", [HOST, PUBLIC]),
        ("3, 1", [HOST, PUBLIC]),
        ("2 3", [OTHER_ACCOUNT, PUBLIC]),
        ("2,2", [OTHER_ACCOUNT]),
        ("1-2", [HOST, OTHER_ACCOUNT]),
        ("3,1-2", HOSTS),
        ("2-2", [OTHER_ACCOUNT]),
    ],
)
def test_the_user_selects_registries(answer: str, expected: list[str], config: Path) -> None:
    session = here("configure", "--no-fetch", typed=f"{answer}\ny\n")
    assert session.status == 0
    assert session.screen.count(CHOICE) == 1
    assert sorted(load(config)["credHelpers"]) == sorted(expected)


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    "answer", ["0", "4", "1,4", "x", "-1", "2-", "2-1", "1-4", "1-2-3", "-", ",", "²", "none,1", "9" * 5000]
)
def test_a_wrong_answer_is_asked_for_again(answer: str, config: Path) -> None:
    session = here("configure", "--no-fetch", typed=f"{answer}\n2\ny\n")
    assert session.screen.count(CHOICE) == 2
    assert "enter all, none, or numbers such as 1,3 (at most 3)\n" in session.screen
    assert list(load(config)["credHelpers"]) == [OTHER_ACCOUNT]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("typed", ["", "none\n", "n\n", "No\n", "q\n", "x\n"])
def test_without_a_selection_nothing_changes(typed: str, home: Path) -> None:
    session = here("configure", typed=typed)
    assert (session.status, tree(home)) == (1, {})
    assert session.screen.endswith("nothing changed\n")
    assert APPLY not in session.screen


@pytest.mark.usefixtures("three")
def test_match_and_all_select_without_a_question(config: Path) -> None:
    session = here("configure", "--discover", "--match", "*.US-WEST-2.*", "--no-fetch", typed="y\n")
    assert CHOICE not in session.screen
    assert sorted(load(config)["credHelpers"]) == [HOST, OTHER_ACCOUNT]
    assert PUBLIC not in session.screen
    here("configure", OTHER_REGION, "--all", "--yes")
    assert sorted(load(config)["credHelpers"]) == sorted([OTHER_REGION, *HOSTS])


@pytest.mark.usefixtures("three")
def test_the_logins_are_checked_on_a_terminal(aws: FakeECR) -> None:
    session = here("configure", typed="1,2\ny\n")
    assert session.screen.count("valid for 12 h") == 2
    assert session.screen.endswith(f"\nNext: docker pull {HOST}/REPOSITORY:TAG\n")
    assert len(aws.calls) == 1, "both are in one region"
    assert here("configure", HOST, "--podman", typed="y\n").screen.endswith(
        f"\nNext: podman pull {HOST}/REPOSITORY:TAG\n"
    )


BOTH = Candidate(OTHER_ACCOUNT, ("AWS profile a", "AWS profile b"), ("a", "b"))


def test_the_user_chooses_a_profile_once_for_an_account(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    find(monkeypatch, BOTH, BOTH._replace(host=OTHER_ACCOUNT.replace("us-west-2", "eu-west-1")))
    session = here("configure", "--no-fetch", typed="all\n3\n1,2\n2\ny\n")
    assert session.screen.count(WHICH) == 3
    assert session.screen.count("enter one number from 1 to 2\n") == 2
    assert "  profile a or b\n" in session.screen
    assert (
        f"Several AWS profiles lead to {OTHER_ACCOUNT[:12]}:\n\n#  PROFILE\n1  a\n2  b\n\n" in session.screen
    )
    assert rules(home / ".config/ecr-credhelper/config.toml") == {OTHER_ACCOUNT[:12]: {"profile": "b"}}


def test_the_first_profile_is_the_default(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    find(monkeypatch, BOTH)
    here("configure", "--no-fetch", typed="\n\ny\n")
    assert rules(home / ".config/ecr-credhelper/config.toml") == {OTHER_ACCOUNT[:12]: {"profile": "a"}}


@pytest.mark.parametrize(("options", "typed"), [((), "\n"), ((), "\nq\n"), (("--all", "--yes"), "")])
def test_an_open_choice_of_a_profile_stops_configure(
    options: tuple[str, ...], typed: str, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    find(monkeypatch, BOTH)
    with pytest.raises(ConfigurationError, match=r"^444455556666: several .*: a, b; .* --profile a$"):
        here("configure", *options, typed=typed)
    assert not tree(home)


def test_an_identity_in_the_settings_is_not_asked_for(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    find(monkeypatch, BOTH)
    settings = write(home / ".config/ecr-credhelper/config.toml", '[registry.444455556666]\nprofile = "c"\n')
    before = settings.read_text()
    session = here("configure", "--no-fetch", typed="\ny\n")
    assert "  profile c\n" in session.screen
    assert WHICH not in session.screen
    assert settings.read_text() == before


def test_the_profile_of_auto_is_shown_by_its_name(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    find(monkeypatch, Candidate(OTHER_ACCOUNT, ("images",), ()))
    write(home / ".config/ecr-credhelper/config.toml", '[registry.444455556666]\nprofile = "auto"\n')
    write(home / ".aws/config", "[profile c]\nsso_account_id = 444455556666\n")
    assert "  profile c (auto)\n" in here("configure", "--all", "--dry-run").screen


def test_the_search_reports_where_it_looked_and_what_it_could_not_look_into(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find(
        monkeypatch,
        Candidate(HOST, ("a", "b"), ()),
        problems=["~/.aws/config cannot be read"],
        accounts_without_region=[("dev", "777788889999")],
    )
    lines = here("configure", "--all", "--dry-run").screen.splitlines()
    assert lines[:6] == [
        "Searched Docker, AWS and local images.",
        "! ~/.aws/config cannot be read",
        "! profile dev has account 777788889999, but no region: to find its registry, set AWS_REGION",
        "",
        "#  REGISTRY                                      FROM  IDENTITY",
        f"1  {HOST}  a, b  default",
    ]


def test_one_place_is_reported_without_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    find(monkeypatch, searched=["Docker"])
    with pytest.raises(ConfigurationError, match=r"^no registry found; specify"):
        here("configure", typed="")


@pytest.mark.parametrize(("typed", "store"), [("y\ny\n", "ecr-py"), ("n\n", "ecr-login")])
def test_a_store_of_amazons_helper_is_offered_without_any_registry(
    typed: str, store: str, monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    find(monkeypatch)
    write(config, '{"credsStore": "ecr-login"}')
    session = here("configure", typed=typed)
    assert session.status == (1 if store == "ecr-login" else 0)
    assert "Docker uses docker-credential-ecr-login for all registries.\n" in session.screen
    assert load(config) == {"credsStore": store}


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("options", [("--creds-store",), ("--podman",)])
def test_the_store_is_offered_only_if_it_is_open(options: tuple[str, ...], config: Path) -> None:
    write(config, '{"credsStore": "ecr-login"}')
    session = here("configure", "--discover", *options, "--no-fetch", typed="1\ny\n")
    assert session.status == 0
    assert "Replace it" not in session.screen


AUTO = '[registry."*.dkr.ecr.*.amazonaws.com"]\nprofile = "auto"\n'
IN_ACCOUNT = "[profile {0}]\naws_account_id = {1}\nregion = us-west-2\n"


def test_the_profile_that_auto_selects_is_shown(home: Path, config: Path) -> None:
    settings = write(home / ".config/ecr-credhelper/config.toml", AUTO)
    write(home / ".aws/config", IN_ACCOUNT.format("dev", HOST[:12]))
    session = here("configure", "--no-fetch", typed="\ny\n")
    assert "  profile dev (auto)\n" in session.screen
    assert settings.read_text() == AUTO
    assert list(load(config)["credHelpers"]) == [HOST]


def test_an_ambiguous_auto_asks_which_profile(home: Path) -> None:
    settings = write(home / ".config/ecr-credhelper/config.toml", AUTO)
    write(home / ".aws/config", "".join(IN_ACCOUNT.format(name, HOST[:12]) for name in ("a", "b")))
    session = here("configure", "--no-fetch", typed="\n2\ny\n")
    assert "  profile a or b\n" in session.screen
    assert session.screen.count(WHICH) == 1
    assert rules(settings)[HOST] == {"profile": "b"}
    settings.write_text(AUTO)
    with pytest.raises(ConfigurationError, match=r"^111122223333: several AWS profiles lead there: a, b"):
        here("configure", "--all", "--yes")


def test_the_given_profile_is_shown_and_other_accounts_are_warned_of(home: Path) -> None:
    profiles = (("dev", HOST[:12]), ("prod", OTHER_ACCOUNT[:12]))
    write(home / ".aws/config", "".join(IN_ACCOUNT.format(*profile) for profile in profiles))
    screen = here("configure", "--all", "--profile", "prod", "--dry-run").screen
    assert screen.count("  profile prod\n") == 2
    assert screen.count("is in account") == 1
    assert f"! {HOST}: profile prod is in account 444455556666\n" in screen
    role = "arn:aws:iam::111122223333:role/r"
    screen = here("configure", "--all", "--profile", "prod", "--role-arn", role, "--dry-run").screen
    assert screen.count(f"  {role}, from profile prod\n") == 2
    assert "is in account" not in screen
    screen = here("configure", HOST, OTHER_ACCOUNT, "--profile", "prod", "--dry-run").screen
    assert screen.count("is in account") == 1


@pytest.mark.parametrize("pattern", ["1*", "4*"])
def test_a_given_registry_that_was_found_keeps_its_profile(
    pattern: str, home: Path, config: Path, settings: Path
) -> None:
    profiles = (("dev", HOST[:12]), ("prod", OTHER_ACCOUNT[:12]))
    write(home / ".aws/config", "".join(IN_ACCOUNT.format(*profile) for profile in profiles))
    here("configure", HOST, "--match", pattern, "--yes")
    assert rules(settings)["111122223333"] == {"profile": "dev"}
    assert (OTHER_ACCOUNT in load(config)["credHelpers"]) == (pattern == "4*")


@pytest.mark.usefixtures("three")
def test_discover_with_a_registry_needs_a_choice() -> None:
    reason = r"^no registry selected by --discover; add --match PATTERN or --all, or omit --discover$"
    with pytest.raises(ConfigurationError, match=reason):
        here("configure", "--discover", PUBLIC)


def test_a_misspelled_region_is_a_problem_and_no_registry(home: Path, config: Path) -> None:
    write(home / ".aws/config", IN_ACCOUNT.format("dev", HOST[:12]).replace("us-west-2", "us-wset-2"))
    wrong = OTHER_ACCOUNT.replace("us-west-2", "eu-wets-1")
    write(config, f'{{"credHelpers": {{"{HOST}": "ecr-login", "{wrong}": "ecr-login"}}}}')
    screen = here("configure", "--all", "--yes").screen
    assert "AWS profile dev: us-wset-2 is not a known region; did you mean us-west-2?\n" in screen
    assert f"{wrong}: eu-wets-1 is not a known region; did you mean eu-west-1?\n" in screen
    assert load(config)["credHelpers"] == {HOST: "ecr-py", wrong: "ecr-login"}


def test_a_search_with_a_missing_profile_is_an_error(home: Path) -> None:
    write(home / ".aws/config", IN_ACCOUNT.format("dev", HOST[:12]))
    with pytest.raises(ConfigurationError, match=r"^AWS profile 'devv' does not exist; did you mean dev\?$"):
        here("configure", "--all", "--profile", "devv", "--yes")
    assert here("configure", "--all", "--profile", "auto", "--yes").status == 0


class Interrupted(Screen):
    """A keyboard on which the user presses Ctrl-C after some lines."""

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        line = super().readline(size)
        if not line:
            raise KeyboardInterrupt
        return line


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("typed", ["", "x\n", "1\n", "1\ny\n"])
def test_an_interrupted_choice_reports_that_nothing_changed(typed: str, home: Path, config: Path) -> None:
    write(config, f'{{"auths": {{"{HOST}": {{"auth": "eDp5"}}}}}}')
    before = tree(home)
    screen = Screen()
    terminal = Terminal(os.environ, Interrupted(typed), screen, screen)
    argv = ["configure", "--no-fetch"]
    with pytest.raises(KeyboardInterrupt):
        configure.run(parser(argv).parse_args(argv), terminal)
    assert screen.getvalue().endswith("\nnothing changed\n")
    assert screen.getvalue().count("nothing changed") == 1
    assert tree(home) == before


@pytest.mark.usefixtures("three")
def test_an_interrupted_check_reports_that_the_configuration_is_complete(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(configure, "verify", interrupt)
    screen = Screen()
    terminal = Terminal(os.environ, Screen("1\ny\n"), screen, screen)
    argv = ["configure"]
    with pytest.raises(KeyboardInterrupt):
        configure.run(parser(argv).parse_args(argv), terminal)
    assert screen.getvalue().endswith(
        "The configuration is complete. To check the logins again, run: docker-credential-ecr-py configure\n"
    )
    assert list(load(config)["credHelpers"]) == [HOST]


def test_settings_with_errors_are_a_warning(home: Path) -> None:
    settings = write(home / ".config/ecr-credhelper/config.toml", "dedline = 3\n")
    screen = here("configure", HOST, "--yes").screen
    assert f"! {settings}, line 1: dedline: unknown setting; did you mean deadline?\n" in screen
    settings.write_text('dedline = 3\n[registry.public]\nprofile = "x"\n')
    screen = here("configure", HOST, "--yes").screen
    assert f"! {settings} has 2 problems; run: docker-credential-ecr-py config check\n" in screen
