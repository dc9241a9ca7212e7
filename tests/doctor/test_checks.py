"""The checks of this machine, and how checks run."""

from __future__ import annotations

import os
import re
import ssl
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecr_credhelper import files
from ecr_credhelper.aws import trust
from ecr_credhelper.cli.doctor import CHECKS, DOCTOR_SECONDS, FACTS, VERSION
from ecr_credhelper.console import wording
from ecr_credhelper.console.prompts import prompt_without_echo, restore_terminal
from ecr_credhelper.doctor import OK, Check, Context, Finding, machine, run_checks
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.settings.rules import IdentityOverride
from tests import systems
from tests.aws import certificates
from tests.conftest import EXECUTABLE, HOST, until
from tests.doctor_findings import Doctor, settings
from tests.systems import linux_store, owners, scripts

pytest_plugins = ("tests.doctor_fixtures",)
pytestmark = pytest.mark.usefixtures("no_network")


# The executable.


def test_executable_that_is_not_on_path(
    bin_directory: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bin_directory / Path(EXECUTABLE).name).unlink()
    text = "docker-credential-ecr-py is not on PATH, so Docker cannot find it"
    assert doctor().finding("executable") == ("failure", text, f"add {Path(EXECUTABLE).parent} to PATH")
    result, text, hint = doctor().finding("path")
    assert (result, text) == ("note", f"not on the PATH of sudo ({bin_directory})")
    assert hint == f"if you need it there, run: sudo ln -s {EXECUTABLE} /usr/local/bin/"
    # The launchers of pip for Windows remove the suffix.
    monkeypatch.setattr(sys, "argv", [str(bin_directory / "docker-credential-ecr-py")])
    assert doctor().finding("executable")[2] == f"add {bin_directory} to PATH"
    assert doctor().finding("path")[2].endswith(f" {bin_directory / Path(EXECUTABLE).name} /usr/local/bin/")


@owners
def test_the_path_of_sudo_is_a_warning_only_for_services(
    bin_directory: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor().finding("path")[0] == "ok"
    (bin_directory / Path(EXECUTABLE).name).unlink()
    for uid, kind in ((0, "note"), (998, "warning"), (1000, "note")):
        monkeypatch.setattr(os, "geteuid", lambda uid=uid: uid)
        assert doctor().finding("path")[0] == kind
    monkeypatch.setenv("SUDO_USER", "me")
    assert doctor().finding("path")[0] == "warning"


# Of distlib, which pip uses, and of pip 25.2.
OLD_LAUNCHER = """\
#!/usr/bin/python3
# -*- coding: utf-8 -*-
import re
import sys
from ecr_credhelper.__main__ import run
if __name__ == "__main__":
    sys.argv[0] = re.sub(r"(-script\\.pyw|\\.exe)?$", "", sys.argv[0])
    sys.exit(run())
"""


@scripts
@pytest.mark.parametrize(
    ("content", "is_reported"),
    [
        (OLD_LAUNCHER, True),
        (OLD_LAUNCHER.replace("\n", "\r\n"), True),
        (OLD_LAUNCHER.replace("import re\n", ""), False),
        ("\x7fELF\nimport re\n", False),
        ("", False),
    ],
)
def test_a_slow_launcher_is_reported_with_its_cure(
    content: str, is_reported: bool, bin_directory: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    launcher = bin_directory / Path(EXECUTABLE).name
    launcher.unlink()
    launcher.write_text(content, newline="")
    launcher.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(launcher)])
    found = doctor().findings("executable")
    assert found[0][0] == "ok"
    assert (
        found[1:]
        == [
            (
                "note",
                "its launcher imports re, so a cached get takes 1.5 times as long",
                "reinstall it with uv or pipx, or with pip 25.2 or later",
            )
        ]
        * is_reported
    )


def test_the_launcher_of_this_environment_can_be_read(tmp_path: Path) -> None:
    assert not machine._imports_re(str(tmp_path))  # noqa: SLF001 - a directory on no PATH


def test_executable_on_path_that_is_not_the_running_one(bin_directory: Path, doctor: Doctor) -> None:
    other = bin_directory / Path(EXECUTABLE).name
    other.unlink()
    other.touch(mode=0o755)
    assert doctor().finding("executable")[:2] == (
        "warning",
        f"Docker finds {other}, but this is {EXECUTABLE}",
    )


def test_linux_and_macos_have_fixed_paths() -> None:
    assert set(machine.PATHS) == {"linux", "darwin"}


LAUNCHD = machine.PATHS["darwin"]


def test_the_path_of_launchd_does_not_get_a_link(
    bin_directory: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MacOS protects the directories of this path."""
    ((programs, directories, hint),) = LAUNCHD
    (bin_directory / Path(EXECUTABLE).name).unlink()
    monkeypatch.setitem(machine.PATHS, sys.platform, ((programs, str(bin_directory), hint),))
    assert directories == "/usr/bin:/bin:/usr/sbin:/sbin"
    text = f"not on the PATH of launchd ({bin_directory})"
    assert doctor().finding("path") == ("note", text, "set PATH in the job's EnvironmentVariables")


# Names, settings, cache.


def test_an_invalid_registry_name(doctor: Doctor) -> None:
    found = doctor("a b")
    assert found.status == 1
    assert found.finding("registry")[0] == "failure"
    assert found.finding("registry")[1].startswith("not a valid registry name")


@pytest.mark.parametrize(
    ("host", "text"),
    [
        (HOST, "account 111122223333, region us-west-2, partition aws"),
        ("ecr-public.aws.com", "region us-east-1, partition aws, public, dualstack"),
    ],
)
def test_registry_reports_the_parts_of_a_host_name(host: str, text: str, doctor: Doctor) -> None:
    assert doctor(host).finding("registry") == ("ok", text, "")


def test_settings_reports_the_matching_rule(home: Path, doctor: Doctor) -> None:
    for argv in ((), (HOST,)):
        assert doctor(*argv).finding("settings")[1] == "no settings file (none needed)"
    settings(home, "deadline = 20\n")
    file = home / ".config/ecr-credhelper/config.toml"
    assert doctor(HOST).finding("settings")[1] == f"{file}: no rule for this registry"
    assert doctor().finding("settings")[1] == str(file)
    settings(home, '[registry.111122223333]\nprofile = "dev"\n')
    assert doctor(HOST).finding("settings")[1] == f"{file}: pattern = 111122223333, profile = dev"
    settings(
        home,
        '[registry.111122223333]\nrole_arn = "arn:aws:iam::111122223333:role/r"\nexternal_id = "a-secret"\n',
    )
    assert doctor(HOST).finding("settings")[1].endswith(":role/r, external_id = …")


def test_problems_of_the_settings_are_reported_under_settings(home: Path, doctor: Doctor) -> None:
    """The severity depends on whether the problem concerns the registry."""
    for text, kind in (
        ("fallback = 1\n", "warning"),
        ('[registry.444455556666]\nprofil = "x"\n', "warning"),
        ('[registry.111122223333]\nprofil = "x"\n', "failure"),
        ("oops", "failure"),
    ):
        settings(home, text)
        found = doctor(HOST)
        assert found.findings("settings")[0][0] == kind
        assert found.findings("fallback") == []
        assert doctor().findings("settings")[0][0] == "failure"
    assert doctor("images.example.com").findings("registry") == []


def test_the_variable_for_a_profile_is_reported_without_a_file(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECR_CREDHELPER_PROFILE_111122223333", "dev")
    assert doctor(HOST).finding("settings")[1] == "no settings file: profile = dev"


def test_the_cache_of_another_user_and_an_invalid_log_are_reported(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECR_CREDHELPER_LOG", "relative")
    assert doctor().findings("settings")[0][1].startswith("ECR_CREDHELPER_LOG: ")
    monkeypatch.setattr(machine, "why_unused", lambda _: "it belongs to user me")
    result, text, hint = doctor().finding("cache")
    assert (result, hint) == ("warning", wording.AS_ROOT)
    assert text.endswith(" is not used: it belongs to user me, so every pull calls AWS")


@pytest.mark.parametrize(("argv", "kind"), [((), "warning"), ((HOST,), "warning"), (("ghcr.io",), "failure")])
def test_a_missing_fallback_is_a_failure_only_where_it_is_needed(
    argv: tuple[str, ...], kind: str, home: Path, doctor: Doctor
) -> None:
    settings(home, 'fallback = "pass"\n')
    text = "for other registries: docker-credential-pass, which is not on PATH"
    assert doctor(*argv).finding("fallback")[:2] == (kind, text)


def test_cache_that_is_disabled_or_has_no_directory(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cache_directory", lambda _: None)
    assert doctor().finding("cache")[1] == "no cache directory is available, so every pull calls AWS"
    monkeypatch.setenv("AWS_ECR_DISABLE_CACHE", "1")
    assert doctor().finding("cache")[1:] == (
        "disabled, so every pull calls AWS",
        "unset AWS_ECR_DISABLE_CACHE",
    )


@systems.owners
def test_cache_reports_the_state_of_the_directory(
    home: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = home / "caches/ecr-credhelper"
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", str(directory.parent))
    assert doctor().finding("cache") == ("ok", f"{directory} (created with the first token)", "")
    directory.mkdir(parents=True, mode=0o700)
    assert doctor().finding("cache") == ("ok", f"{directory} (owner {os.geteuid()}, mode 0700)", "")
    with monkeypatch.context() as patch:
        patch.setattr(files, "HAS_OWNERS", False)  # as on Windows
        assert doctor().finding("cache") == ("ok", str(directory), "")
    directory.chmod(0o755)
    result, text, _ = doctor().finding("cache")
    mode = f"(owner {os.geteuid()}, mode 0755)"
    assert (result, text) == ("warning", f"{directory} is not used: other users have access to it {mode}")
    with monkeypatch.context() as patch:
        patch.setattr("os.geteuid", lambda: 7)
        result, text, hint = doctor().finding("cache")
    assert (result, text) == ("warning", f"{directory} is not used: it belongs to another user {mode}")
    assert hint == "set AWS_ECR_CACHE_DIR to a directory that you own"
    directory.rmdir()
    directory.parent.rmdir()
    directory.parent.touch(mode=0o644)
    result, text, _ = doctor().finding("cache")
    assert (result, text) == (
        "warning",
        f"you cannot write to {directory.parent} {mode.replace('755', '644')}",
    )


@pytest.mark.parametrize("has_owners", {False, files.HAS_OWNERS})
def test_cache_reports_a_file_in_the_place_of_the_directory(
    has_owners: bool, home: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "HAS_OWNERS", has_owners)
    if not has_owners:  # as on Windows
        monkeypatch.delattr(os, "geteuid", raising=False)
    file = home / "caches/ecr-credhelper"
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", str(file.parent))
    file.parent.mkdir()
    file.touch()
    result, text, hint = doctor().finding("cache")
    assert (result, hint) == ("warning", "remove it; it is created again as a private directory")
    assert text.startswith(f"{file} is not used: it is not a directory")


# Certificates.


@pytest.fixture
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace the system's store by an empty directory."""
    directory = home / "store"
    directory.mkdir()
    monkeypatch.setattr(trust, "DIRECTORIES", (str(directory),))
    monkeypatch.setattr(trust, "FILES", (str(directory / "all.pem"),))
    monkeypatch.setattr(
        "ssl.get_default_verify_paths", lambda: ssl.DefaultVerifyPaths("", "", "", "", "", "")
    )
    return directory


def test_tls_reports_the_configured_bundle(
    home: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = home / "ca.pem"
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(f"[profile dev]\nca_bundle = {bundle}\n")
    monkeypatch.setenv("AWS_PROFILE", "dev")
    source = "ca_bundle of profile dev"
    assert doctor().finding("tls") == (
        "failure", f"the CA bundle {bundle} does not exist", f"check {source}"
    )  # fmt: skip
    for make in (bundle.touch, bundle.mkdir):
        make()
        text = f"the CA bundle {bundle} has no certificates that can be used"
        assert doctor().finding("tls") == ("failure", text, f"check {source}")
        (bundle.rmdir if bundle.is_dir() else bundle.unlink)()
    bundle.write_text(certificates.VALID)
    assert doctor().finding("tls") == ("ok", f"CA bundle {bundle} ({source})", "")
    monkeypatch.setenv("AWS_CA_BUNDLE", "~/ca.pem")
    assert doctor().finding("tls") == ("ok", "CA bundle ~/ca.pem (AWS_CA_BUNDLE)", "")


@linux_store
def test_tls_reports_the_store_of_the_system(
    store: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "CA certificates of botocore: this system has none"
    assert doctor().finding("tls") == ("ok", text, "to use a system's, install ca-certificates")
    (store / certificates.HASHED_NAME).write_text(certificates.VALID)
    assert doctor().finding("tls") == ("ok", f"CA certificates of the system: {store}", "")
    (store / "all.pem").write_text(certificates.VALID)
    assert doctor().finding("tls")[1] == f"CA certificates of the system: {store}, then {store}/all.pem"
    (store / "own").mkdir()
    (store / "own/README").write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_DIR", str(store / "own"))
    kind, text, hint = doctor().findings("tls")[0]
    assert (kind, text) == ("warning", f"{store}/own has no certificates that can be used")
    (store / "own/ca.pem").write_text(certificates.VALID)
    assert doctor().finding("tls")[1].startswith(f"CA certificates of the system: {store}/own (SSL_CERT_DIR)")
    monkeypatch.delenv("SSL_CERT_DIR")
    (store / "own.pem").write_text(certificates.VALID)
    monkeypatch.setenv("SSL_CERT_FILE", f"{store}/own.pem")
    monkeypatch.setenv("SSL_CERT_DIR", f"{store}/absent")
    hint = "correct or unset SSL_CERT_DIR"
    text = f"CA certificates of the system: {store}, then {store}/own.pem (SSL_CERT_FILE)"
    assert doctor().findings("tls") == [
        ("warning", f"{store}/absent has no certificates that can be used", hint), ("ok", text, "")
    ]  # fmt: skip


# How checks run.


def nothing(*_: object) -> None:
    """Ignore progress."""


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Return an event on which checks block; it is set at the end of the test, so that their threads end."""
    event = threading.Event()
    yield event
    event.set()


def test_a_check_that_exceeds_the_time_limit_fails(gate: threading.Event) -> None:
    def never(_: Context) -> Iterable[Finding]:
        gate.wait()
        return []

    three = [
        Check("quick", lambda _: [Finding(OK, "a\nline")]),
        Check("slow", never),
        Check("behind it", lambda _: [Finding(OK, "")], after=("slow",)),
    ]
    # Long enough for the quick check on any machine.
    found = run_checks(Context("", os.environ, IdentityOverride()), three, 1, nothing)
    assert [(one.check, one.kind, one.text) for one in found] == [
        ("quick", "ok", "a line"),
        ("slow", "failure", "timed out after 1 s"),
    ]


def test_a_finished_check_counts_even_if_the_time_limit_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    others = {*threading.enumerate()}
    moments = iter([0.0])

    def monotonic() -> float:
        """After the first call, wait for all checks, then return a time after the limit."""
        for moment in moments:
            return moment
        until(lambda: others.issuperset(threading.enumerate()))
        return 100.0

    monkeypatch.setattr("ecr_credhelper.doctor.time", SimpleNamespace(monotonic=monotonic))
    quick = Check("quick", lambda _: [Finding(OK, "")])
    (found,) = run_checks(Context("", os.environ, IdentityOverride()), [quick], 9, nothing)
    assert found.kind == OK


def test_a_missing_mfa_code_is_not_reported_as_a_network_problem(gate: threading.Event) -> None:
    pty = pytest.importorskip("pty")  # Windows has none
    terminal, other_end = pty.openpty()

    def prompt(_: Context) -> Iterable[Finding]:
        with prompt_without_echo(other_end):
            gate.wait()
        return []

    def never(_: Context) -> Iterable[Finding]:
        gate.wait()
        return []

    two = [Check("credentials", prompt), Check("network", never)]
    first, second = run_checks(Context("", os.environ, IdentityOverride()), two, 1, nothing)
    assert first.text == "no MFA code was entered within 1 s"
    assert first.hint == "run doctor again and enter it in time, or first run: aws sts get-caller-identity"
    assert second.text == "timed out after 1 s"
    restore_terminal()
    gate.set()
    for end in (terminal, other_end):
        os.close(end)


def test_checks_without_a_thread_observe_the_time_limit(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first check gets a thread, and it blocks: dependent checks are skipped, the others run."""
    start = threading.Thread.start
    started: list[threading.Thread] = []

    def first_only(thread: threading.Thread) -> None:
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    def never(_: Context) -> Iterable[Finding]:
        gate.wait()
        return []

    three = [
        Check("slow", never),
        Check("quick", lambda _: [Finding(OK, "done")]),
        Check("behind it", lambda _: [Finding(OK, "")], after=("slow",)),
        Check("too late", lambda _: [Finding(OK, "")]),
    ]
    monkeypatch.setattr(threading.Thread, "start", first_only)
    found = run_checks(Context("", os.environ, IdentityOverride()), three, 1, nothing)
    assert [(one.check, one.kind, one.text) for one in found] == [
        ("slow", "failure", "timed out after 1 s"),
        ("quick", "ok", "done"),
        ("too late", "failure", "timed out after 1 s"),
    ]


@pytest.mark.parametrize(
    "date",
    ["", "rubbish", "Mon, 01 Jan 0001 00:00:00 -0000", "Mon, 01 Jan 2026 99999999999999999999:00:00 GMT",
     "Mon, 01 Jan 2026 00:00:00 +99999999999999999999", "Mon, 99999999999999999999 Jan 2026 00:00:00 GMT",
     ",", " ", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "9" * 5000],
)  # fmt: skip
def test_invalid_dates_are_not_used_for_the_clock(date: str) -> None:
    context = Context("", os.environ, IdentityOverride())
    context.record_clock_skew({"date": date})
    assert len(context.skews) == (date.startswith("Mon, 01 Jan 0001"))


def test_an_exception_in_a_check_is_a_finding() -> None:
    def expected(_: Context) -> Iterable[Finding]:
        raise ConfigurationError("subject", "a reason", "a hint")

    def unexpected(_: Context) -> Iterable[Finding]:
        raise RuntimeError("a secret")

    found = run_checks(
        Context("", os.environ, IdentityOverride()),
        [Check("a", expected), Check("b", unexpected)],
        5,
        nothing,
    )
    assert found == [
        ("failure", "a reason", "a hint", "a"),
        ("failure", "internal error (RuntimeError)", found[1].hint, "b"),
    ]


def test_the_doctor_page_lists_every_check_and_field() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/doctor.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [check.name for check in CHECKS]
    assert f"{DOCTOR_SECONDS} seconds" in page
    assert f'"version": {VERSION},' in page
    for fact in FACTS:
        assert f'"{fact}": ' in page
