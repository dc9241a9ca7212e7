"""The check of Docker's configuration."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from pathlib import Path

import pytest

from ecr_credhelper.cli.report import Report
from tests.commands import SUFFIX
from tests.conftest import HOST, OTHER_ACCOUNT, run
from tests.doctor_findings import Doctor, docker, settings, write
from tests.systems import links

pytest_plugins = ("tests.doctor_fixtures",)
pytestmark = pytest.mark.usefixtures("no_network", "docker_program")

NOT_CONFIGURED = "no credential helper configured for this registry in {file}"
CONFIGURE = f"run: docker-credential-ecr-py configure {HOST}"
NO_FILE = os.strerror(errno.EACCES if sys.platform == "win32" else errno.EISDIR)
"""The error of reading a directory."""
LOGIN = {"auths": {f"https://{HOST}/v1/": {"auth": "QVdTOnNlY3JldA=="}}}


@pytest.mark.parametrize(
    ("content", "result", "text", "hint"),
    [
        ({}, "failure", NOT_CONFIGURED, CONFIGURE),
        ({"credHelpers": {HOST: "ecr-py"}}, "ok", "Docker uses this helper (credHelpers in {file})", ""),
        ({"credsStore": "ecr-py"}, "ok", "Docker uses this helper (credsStore in {file})", ""),
        (
            {"credHelpers": {HOST: "ecr-login"}, "credsStore": "ecr-py"},
            "failure",
            "Docker uses docker-credential-ecr-login instead (credHelpers in {file})",
            CONFIGURE,
        ),
        (
            {"credsStore": "desktop", **LOGIN},
            "failure",
            "Docker uses docker-credential-desktop instead (credsStore in {file})",
            CONFIGURE,
        ),
        (
            LOGIN,
            "warning",
            "Docker uses the login in {file}, which is valid for 12 hours at most",
            CONFIGURE,
        ),
        ({"auths": {HOST: {}}}, "failure", NOT_CONFIGURED, CONFIGURE),
        ({"CredsStore": "ecr-py"}, "ok", "Docker uses this helper (credsStore in {file})", ""),
        (
            {"credHelpers": {HOST: ""}},
            "failure",
            NOT_CONFIGURED,
            CONFIGURE,
        ),
        ([], "failure", "{file} is not valid: must contain a JSON object", "correct it"),
    ],
)
def test_docker_reports_the_effective_configuration(
    content: object, result: str, text: str, hint: str, home: Path, doctor: Doctor
) -> None:
    docker(home, content)
    file = home / ".docker/config.json"
    assert doctor(HOST).finding("docker") == (result, text.format(file=file), hint)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xef\xbb\xbf{}", "starts with a byte order mark"),
        (b"\xff", "is not UTF-8"),
        (None, f"cannot be read ({NO_FILE})"),
    ],
)
def test_docker_reports_an_unreadable_file(
    content: bytes | None, text: str, home: Path, doctor: Doctor
) -> None:
    file = home / ".docker/config.json"
    if content is None:
        file.mkdir(parents=True)
    else:
        write(file, "")
        file.write_bytes(content)
    assert doctor(HOST).finding("docker") == ("failure", f"{file} {text}", "correct it")


def test_docker_warns_of_logins_that_take_precedence(
    home: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", json.dumps(LOGIN))
    docker(home, {"credHelpers": {HOST: "ecr-py"}, **LOGIN})
    first, _, last = doctor(HOST).findings("docker")
    assert (
        first[1] == "DOCKER_AUTH_CONFIG has a login for this registry, which Docker 28.3 and later use first"
    )
    assert last[1].endswith("also has a login, which Docker ignores but other clients may use")
    assert (first[0], last[0]) == ("warning", "warning")
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", "rubbish")
    assert len(doctor(HOST).findings("docker")) == 2


@pytest.mark.parametrize(
    ("content", "result", "text"),
    [
        ({}, "warning", "this helper is not configured in {file}"),
        ({"credHelpers": []}, "failure", "{file} is not valid: credHelpers must be a JSON object"),
        (
            {"credsStore": "ecr-py", "credHelpers": {"b": "ecr-py", "a": "ecr-py", "c": "x"}},
            "ok",
            "this helper is configured in {file} for: a, b, all other registries",
        ),
    ],
)
def test_docker_without_a_host_lists_the_registries_of_this_helper(
    content: object, result: str, text: str, home: Path, doctor: Doctor
) -> None:
    docker(home, content)
    file = home / ".docker/config.json"
    assert doctor().finding("docker")[:2] == (result, text.format(file=file))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"credsStore": "ecr-py"}, "Docker uses docker-credential-ecr-py for ghcr.io"),
        (
            {"auths": {"ghcr.io": {"auth": "QTpi"}}},
            "Docker uses no credential helper for ghcr.io; {file} has a login for it",
        ),
    ],
)
def test_a_host_that_is_not_ecr(content: object, text: str, home: Path, doctor: Doctor) -> None:
    docker(home, content)
    found = doctor("ghcr.io/owner/image:1")
    assert found.status == 0
    assert found.content["registry"] is None
    assert found.finding("docker") == ("ok", text.format(file=home / ".docker/config.json"), "")
    assert found.finding("registry")[:2] == ("warning", "ghcr.io: not an Amazon ECR registry")
    assert found.findings("credentials") == found.findings("network") == []


def test_fallback_reports_the_helper_for_other_registries(
    home: Path, bin_directory: Path, doctor: Doctor
) -> None:
    settings(home, 'fallback = "pass"\n')
    missing = "for other registries: docker-credential-pass, which is not on PATH"
    assert doctor("ghcr.io").finding("fallback")[:2] == ("failure", missing)
    assert doctor(HOST).finding("fallback")[:2] == ("warning", missing)
    settings(home, 'fallback = "docker-credential-pass"\n')
    hint = 'write only the suffix in the settings file: "pass"'
    assert doctor("ghcr.io").finding("fallback")[2] == hint
    settings(home, 'fallback = "pass"\n')
    program = bin_directory / f"docker-credential-pass{SUFFIX}"
    program.touch(mode=0o755)
    assert doctor("ghcr.io").finding("fallback") == ("ok", f"for other registries: {program}", "")


def test_a_registry_is_looked_up_with_its_port(home: Path, doctor: Doctor) -> None:
    docker(home, {"credHelpers": {f"{HOST}:443": "ecr-py"}})
    assert doctor(f"{HOST}:443/web:1").finding("docker")[0] == "ok"
    assert doctor(HOST).finding("docker")[2] == CONFIGURE
    docker(home, {"credHelpers": {HOST: "ecr-py"}})
    assert doctor(f"{HOST}:443").finding("docker")[2] == f"{CONFIGURE}:443"


@pytest.mark.parametrize("content", ["", " \n"])
def test_docker_accepts_an_empty_file(content: str, home: Path, doctor: Doctor) -> None:
    file = home / ".docker/config.json"
    write(file, content)
    assert doctor(HOST).finding("docker") == (
        "failure",
        NOT_CONFIGURED.format(file=file),
        CONFIGURE,
    )
    assert doctor().finding("docker")[:2] == ("warning", f"this helper is not configured in {file}")


def test_docker_that_is_not_on_path_is_a_note(home: Path, doctor: Doctor, bin_directory: Path) -> None:
    (bin_directory / f"docker{SUFFIX}").unlink()
    docker(home, {"credHelpers": {HOST: "ecr-py"}})
    assert doctor(HOST).findings("docker")[1:] == [("note", "docker is not on PATH", "")]
    assert doctor().findings("docker")[1:] == [("note", "docker is not on PATH", "")]


def test_many_registries_are_counted(home: Path, doctor: Doctor) -> None:
    hosts = [f"{number:012}.dkr.ecr.us-west-2.amazonaws.com" for number in range(30)]
    docker(home, {"credHelpers": dict.fromkeys(hosts, "ecr-py")})
    result, text, hint = doctor().finding("docker")
    expected = f"{home / '.docker/config.json'} for: {', '.join(hosts[:3])}, 27 more"
    assert (result, text) == ("ok", f"this helper is configured in {expected}")
    assert hint == "to list them, run: docker-credential-ecr-py status"


WILDCARDS = "Docker supports no wildcards: configure each registry, or use configure --creds-store"


@pytest.mark.parametrize("host", [[], [HOST]])
@pytest.mark.parametrize(("key", "hint"), [
    (f"https://{HOST}", f'write "{HOST}"'),
    (f"{HOST}/team", f'write "{HOST}"'),
    (HOST.upper(), f'write "{HOST}"'),
    ("*.dkr.ecr.us-west-2.amazonaws.com", WILDCARDS),
    ("*", WILDCARDS),
    ("my registry", "write the host of a registry"),
])  # fmt: skip
def test_a_key_that_docker_never_matches_is_a_warning(
    key: str, hint: str, host: list[str], home: Path, doctor: Doctor
) -> None:
    docker(home, {"credHelpers": {key: "ecr-py", "https://gcr.io": "gcloud"}})
    text = f'{home / ".docker/config.json"}: Docker never matches "{key}" in credHelpers'
    first, *others = doctor(*host).findings("docker")
    assert others == [("warning", text, hint)]
    assert (first[0], key in first[1]) == ("failure" if host else "warning", False), "it is not configured"


def test_a_key_is_shown_without_a_password_and_many_keys_are_counted(home: Path, doctor: Doctor) -> None:
    keys = ["https://me:s3cret@a.example", *(f"https://{name}.example" for name in "bcdefgh")]
    docker(home, {"credHelpers": dict.fromkeys(keys, "ecr-py")})
    shown = [text for _, text, _ in doctor(HOST).findings("docker")[1:]]
    start, end = f"{home / '.docker/config.json'}: Docker never matches", "in credHelpers"
    first = [f'{start} "https://{name}.example" {end}' for name in ("…@a", "b", "c")]
    assert shown == [*first, f"{start} 5 more keys {end}"]
    docker(home, {"credHelpers": dict.fromkeys(keys[:4], "ecr-py")})
    assert doctor(HOST).findings("docker")[-1][1] == f"{start} 1 more key {end}"


@pytest.mark.parametrize(("key", "field"), [
    ("credStore", "credsStore"),
    ("credentialStore", "credsStore"),
    ("creds_store", "credsStore"),
    ("credHelper", "credHelpers"),
    ("credentialHelpers", "credHelpers"),
    ("auth", "auths"),
])  # fmt: skip
def test_a_misspelt_field_is_a_warning(key: str, field: str, home: Path, doctor: Doctor) -> None:
    docker(home, {key: "ecr-py", "psFormat": "", "HttpHeaders": {}, "plugins": {}, "currentContext": "x"})
    text = f'{home / ".docker/config.json"}: Docker ignores "{key}"'
    assert doctor(HOST).findings("docker")[1:] == [("warning", text, f'did you mean "{field}"?')]


PROG = "docker-credential-ecr-py"
SWITCH = "run: docker-credential-ecr-py configure --creds-store"
AGAIN = 'credsStore is "desktop" again: another program, such as Docker Desktop, changed it'


@pytest.mark.parametrize("before", [{"credsStore": "desktop"}, {}, None])
@pytest.mark.parametrize("host", [[], [HOST]])
def test_a_creds_store_that_another_program_put_back_is_a_warning(
    before: object, host: list[str], home: Path, doctor: Doctor
) -> None:
    if before is not None:
        docker(home, before)
    assert run("configure", "--creds-store", "--yes").status == 0
    assert [result for result, *_ in doctor(*host).findings("docker")] == ["ok"]
    docker(home, {"credsStore": "desktop"})
    ((result, text, hint),) = doctor(*host).findings("docker")
    assert (result, hint) == ("failure" if host else "warning", SWITCH)
    assert text.endswith(f": {AGAIN}")
    problems = Report(os.environ, time.time()).content()["problems"]
    assert (AGAIN, SWITCH) in [(problem["text"], problem["hint"]) for problem in problems]


@pytest.mark.parametrize("content", [
    {"credsStore": "desktop"},
    {"credsStore": "pass", "credHelpers": {HOST: "ecr-py"}},
])  # fmt: skip
def test_a_creds_store_of_the_user_is_not_reported_as_put_back(
    content: object, home: Path, doctor: Doctor
) -> None:
    settings(home, 'fallback = "pass"\n')
    docker(home, content)
    assert len(doctor(OTHER_ACCOUNT).findings("docker")) == 1
    settings(home, "fallback = 1\n")
    assert len(doctor(OTHER_ACCOUNT).findings("docker")) == 1


@links
def test_a_link_with_the_name_of_amazons_helper_is_this_helper(
    home: Path, doctor: Doctor, bin_directory: Path
) -> None:
    link, file = bin_directory / "docker-credential-ecr-login", home / ".docker/config.json"
    docker(home, {"credHelpers": {HOST: "ecr-login"}})
    link.touch(mode=0o755)
    assert doctor(HOST).finding("docker")[0] == "failure"
    link.unlink()
    link.symlink_to(bin_directory / "docker-credential-ecr-py")
    text = f"Docker uses this helper (credHelpers in {file}, through the link {link.name})"
    assert doctor(HOST).finding("docker") == ("ok", text, "")
    assert doctor().finding("docker")[:2] == ("ok", f"this helper is configured in {file} for: {HOST}")
    docker(home, {"credsStore": "ecr-login"})
    assert doctor(HOST).finding("docker")[0] == "ok"


def test_a_second_spelling_of_a_field_is_named(home: Path, doctor: Doctor) -> None:
    docker(home, {"credsStore": "ecr-py", "CredHelpers": {HOST: "ecr-py"}, "credSstore": "osxkeychain"})
    file = home / ".docker/config.json"
    text = 'Docker ignores "credsStore", because "credSstore" below is the same field'
    first, second = doctor(OTHER_ACCOUNT).findings("docker")
    used = f"Docker uses docker-credential-osxkeychain instead (credsStore in {file})"
    assert first[:2] == ("failure", used)
    assert second == ("warning", f"{file}: {text}", "remove one of them")
    assert problems() == [(text, "remove one of them")]


@pytest.mark.parametrize("content", [
    {"credHelpers": {HOST: "docker-credential-ecr-py"}}, {"credsStore": "docker-credential-ecr-py"},
])  # fmt: skip
def test_the_name_of_a_program_instead_of_its_suffix_is_explained(
    content: dict[str, object], home: Path, doctor: Doctor
) -> None:
    docker(home, content)
    (place,) = content
    text = f'"{PROG}" in {place} is the name of a program, and Docker adds "docker-credential-"'
    first, second = doctor(HOST).findings("docker")
    assert (first[0], second[0]) == ("failure", "warning")
    assert second[1:] == (f"{home / '.docker/config.json'}: {text}", 'write "ecr-py"')
    assert problems() == [(text, 'write "ecr-py"')]


@pytest.mark.parametrize("host", [[], [HOST]])
def test_amazons_helper_as_the_creds_store_is_switched_in_one_command(
    host: list[str], home: Path, doctor: Doctor
) -> None:
    docker(home, {"credsStore": "ecr-login"})
    ((_, text, hint),) = doctor(*host).findings("docker")
    assert hint == SWITCH
    assert text.endswith("credsStore is Amazon's helper (ecr-login)")
    assert problems() == [("credsStore is Amazon's helper (ecr-login)", SWITCH)]


WRONG: list[tuple[object, str]] = [
    ([], "must contain a JSON object"),
    (None, "must contain a JSON object"),
    ({"credHelpers": []}, "credHelpers must be a JSON object"),
    ({"credHelpers": {"a.io": "pass"}, "auths": "x"}, "auths must be a JSON object"),
    ({"credsStore": 1}, "credsStore must be a JSON string"),
]


@pytest.mark.parametrize("host", [[], [HOST]])
@pytest.mark.parametrize(("content", "problem"), WRONG)
def test_a_file_that_configure_rejects_is_reported_with_the_same_text(
    content: object, problem: str, host: list[str], home: Path, doctor: Doctor
) -> None:
    docker(home, content)
    file = home / ".docker/config.json"
    assert doctor(*host).findings("docker") == [("failure", f"{file} is not valid: {problem}", "correct it")]
    assert problems() == [(f"is not valid: {problem}", "correct it")]
    error = run("configure", HOST, "--yes").stderr.decode()
    assert error == f"docker-credential-ecr-py: {file}: is not valid: {problem}; nothing was changed\n"
    shown = run("status").stdout.decode()
    assert "No registries configured" not in shown
    assert f"{file}: is not valid: {problem}\n  correct it\n" in shown


@pytest.mark.parametrize("host", [[], [HOST]])
def test_a_file_with_a_wrong_value_that_docker_can_use_is_a_warning(
    host: list[str], home: Path, doctor: Doctor
) -> None:
    docker(home, {"credsStore": 1, "credHelpers": {HOST: "ecr-py"}})
    assert [kind for kind, *_ in doctor(*host).findings("docker")] == ["warning", "ok"]


def problems() -> list[tuple[str, str]]:
    """Return the texts and hints of the problems that ``status`` reports."""
    found = Report(os.environ, time.time()).content()["problems"]
    return [(problem["text"], problem["hint"]) for problem in found]


HINT = "correct it, or set ECR_CREDHELPER_CONFIG to another file"
CHECK = f"run: {PROG} config check"
UNKNOWN = 'line 2: registry."a.io".region: us-wset-2 is not a known region; did you mean us-west-2?'


@pytest.mark.parametrize(
    ("text", "result", "problem", "hint"),
    [
        ('[registry."a.io"]\nregion = "us-wset-2"\n', "warning", UNKNOWN, HINT),
        ('[registry."a.io"]\nregion = "us-wset-2"\nprofile = "x"\n', "warning", "2 problems", CHECK),
        ("[registry.dev]\n[registry.1]\n", "warning", "2 problems", CHECK),
        (f"[registry.{HOST[:12]}]\nregion = {{a = 1}}\nwrong = 1\n", "failure", "2 problems", CHECK),
        (f"[registry.{HOST[:12]}]\nregion = 1\nprofile = {'[' * 9}\n", "failure", "line 3", HINT),
    ],
)
def test_the_problems_of_a_settings_file_are_one_finding(
    text: str, result: str, problem: str, hint: str, home: Path, doctor: Doctor
) -> None:
    settings(home, text)
    ((kind, shown, shown_hint),) = doctor(HOST).findings("settings")
    assert (kind, shown_hint) == (result, hint)
    assert shown.startswith(f"{home / '.config/ecr-credhelper/config.toml'}: ")
    assert problem in shown


def test_a_profile_of_this_registry_that_does_not_exist_is_reported_once(home: Path, doctor: Doctor) -> None:
    settings(home, f'[registry.{HOST[:12]}]\nprofile = "x"\n')
    found = doctor(HOST)
    assert [kind for kind, *_ in found.findings("settings")] == ["ok"]
    assert found.finding("credentials")[:2] == ("failure", "AWS profile 'x' does not exist")
    settings(home, f'[registry.{HOST[:12]}]\nprofile = "x"\n[registry."a.io"]\nregion = "us-wset-2"\n')
    (_, first, _), second = doctor(HOST).findings("settings")
    assert first.endswith(": 2 problems")
    assert second == ("ok", f"for this registry: pattern = {HOST[:12]}, profile = x", "")
