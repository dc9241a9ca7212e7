"""What ``doctor`` tells of the machine: the executable, a name, the settings, the cache."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecr_credhelper.cli.doctor import CHECKS, FACTS, SECONDS, VERSION
from ecr_credhelper.console.terminal import asking, restore_terminal
from ecr_credhelper.doctor import OK, Check, Context, Finding, machine, run_checks
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.settings.rules import IdentityOverride
from tests.conftest import EXECUTABLE, HOST, until
from tests.doctor_findings import Doctor, settings

pytest_plugins = ("tests.doctor_fixtures",)

CONFIGURE = f"run: docker-credential-ecr-py configure {HOST}"
PODMAN = f"run: docker-credential-ecr-py configure --podman {HOST}"
LOGIN = {"auths": {f"https://{HOST}/v1/": {"auth": "QVdTOnNlY3JldA=="}}}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead whatever asks a registry to a proxy that refuses."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


# The executable.


def test_an_executable_that_is_not_on_path(
    bin_folder: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bin_folder / "docker-credential-ecr-py").unlink()
    text = "docker-credential-ecr-py is not on PATH, where Docker looks for it"
    assert doctor().one("executable") == ("failure", text, f"add {Path(EXECUTABLE).parent} to PATH")
    result, text, hint = doctor().one("path")
    assert (result, text) == ("warning", f"not on the PATH that sudo give: {bin_folder}")
    assert hint == f"if you need it there: sudo ln -s {EXECUTABLE} /usr/local/bin/"
    monkeypatch.setattr(sys, "argv", [f"{bin_folder}/docker-credential-ecr-py"])
    assert doctor().one("executable")[2] == f"add {bin_folder} to PATH"


def test_another_executable_on_path(bin_folder: Path, doctor: Doctor) -> None:
    other = bin_folder / "docker-credential-ecr-py"
    other.unlink()
    other.touch(mode=0o755)
    assert doctor().one("executable")[:2] == ("warning", f"Docker finds {other}, and this is {EXECUTABLE}")


def test_each_platform_has_paths_of_its_own() -> None:
    assert set(machine.PATHS) == {"linux", "darwin"}


# Names, settings, cache.


@pytest.mark.parametrize(
    ("server", "text"),
    [
        (
            "11112222333.dkr.ecr.us-west-2.amazonaws.com",
            "11112222333.dkr.ecr.us-west-2.amazonaws.com is not the",
        ),
        ("a b", "that is not the name of a registry"),
    ],
)
def test_a_name_that_is_none(server: str, text: str, doctor: Doctor) -> None:
    found = doctor(server)
    assert found.status == 1
    assert found.one("registry")[0] == "failure"
    assert found.one("registry")[1].startswith(text)


@pytest.mark.parametrize(
    ("host", "text"),
    [
        (HOST, "account 111122223333, region us-west-2, partition aws"),
        ("ecr-public.aws.com", "region us-east-1, partition aws, public, dualstack"),
    ],
)
def test_what_a_name_tells(host: str, text: str, doctor: Doctor) -> None:
    assert doctor(host).one("registry") == ("ok", text, "")


def test_what_the_settings_tell(home: Path, doctor: Doctor) -> None:
    assert doctor(HOST).one("settings")[1] == "no settings file: the default chain of the AWS SDK"
    assert doctor().one("settings")[1] == "no settings file"
    settings(home, '[registry.111122223333]\nprofile = "dev"\n')
    file = home / ".config/ecr-credhelper/config.toml"
    assert doctor(HOST).one("settings")[1] == f"{file}: pattern = 111122223333, profile = dev"
    settings(
        home,
        '[registry.111122223333]\nrole_arn = "arn:aws:iam::111122223333:role/r"\nexternal_id = "a-secret"\n',
    )
    assert doctor(HOST).one("settings")[1].endswith(":role/r, external_id = …")


def test_no_cache(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cache_directory", lambda _: None)
    assert doctor().one("cache")[1] == "there is no place for it: every pull asks AWS"
    monkeypatch.setenv("AWS_ECR_DISABLE_CACHE", "1")
    assert doctor().one("cache")[1:] == ("off: every pull asks AWS", "unset AWS_ECR_DISABLE_CACHE")


@pytest.mark.skipif(os.name == "nt", reason="the test is of modes, and Windows has none")
def test_the_cache_folder(home: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / "caches/ecr-credhelper"
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", str(folder.parent))
    assert doctor().one("cache") == ("ok", f"{folder}, made with the first token", "")
    folder.mkdir(parents=True, mode=0o700)
    assert doctor().one("cache") == ("ok", f"{folder} (owner {os.geteuid()}, mode 0700)", "")
    folder.chmod(0o755)
    result, text, _ = doctor().one("cache")
    mode = f"(owner {os.geteuid()}, mode 0755)"
    assert (result, text) == ("warning", f"{folder} is not used, others could look into it {mode}")
    with monkeypatch.context() as patch:
        patch.setattr("os.geteuid", lambda: 7)
        result, text, hint = doctor().one("cache")
    assert (result, text) == ("warning", f"{folder} is not used, it belongs to somebody else {mode}")
    assert hint == "set AWS_ECR_CACHE_DIR to a folder of your own"
    folder.rmdir()
    folder.parent.rmdir()
    folder.parent.touch(mode=0o644)
    result, text, _ = doctor().one("cache")
    assert (result, text) == (
        "warning",
        f"you cannot write into {folder.parent} {mode.replace('755', '644')}",
    )


# What joins the checks.


def nothing(*_: object) -> None:
    """Show no progress."""


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Hold back whoever waits for it until the test has ended, or no thread of its own would ever end."""
    event = threading.Event()
    yield event
    event.set()


def test_what_is_not_done_in_time_has_failed_and_nobody_waits_for_it(gate: threading.Event) -> None:
    def never(_: Context) -> Iterable[Finding]:
        gate.wait()
        return []

    three = [
        Check("quick", lambda _: [Finding(OK, "a\nline")]),
        Check("slow", never),
        Check("behind it", lambda _: [Finding(OK, "")], after=("slow",)),
    ]
    # Long enough for the quick one on any machine.
    found = run_checks(Context("", os.environ, IdentityOverride()), three, 1, nothing)
    assert [(one.check, one.kind, one.text) for one in found] == [
        ("quick", "ok", "a line"),
        ("slow", "failure", "not done within 1 s"),
    ]


def test_what_was_done_in_time_counts_also_where_nobody_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    others = {*threading.enumerate()}
    moments = iter([0.0])

    def monotonic() -> float:
        """Be held up after the start until all checks are done, and the time is over."""
        for moment in moments:
            return moment
        until(lambda: others.issuperset(threading.enumerate()))
        return 100.0

    monkeypatch.setattr("ecr_credhelper.doctor.time", SimpleNamespace(monotonic=monotonic))
    quick = Check("quick", lambda _: [Finding(OK, "")])
    (found,) = run_checks(Context("", os.environ, IdentityOverride()), [quick], 9, nothing)
    assert found.kind == OK


def test_an_mfa_code_that_comes_too_late_is_no_fault_of_the_network(gate: threading.Event) -> None:
    pty = pytest.importorskip("pty")  # Windows has none
    ours, theirs = pty.openpty()

    def asks(_: Context) -> Iterable[Finding]:
        with asking(theirs):
            gate.wait()
        return []

    def never(_: Context) -> Iterable[Finding]:
        gate.wait()
        return []

    two = [Check("credentials", asks), Check("anonymous", never)]
    first, second = run_checks(Context("", os.environ, IdentityOverride()), two, 1, nothing)
    assert first.text == "no MFA code was typed within 1 s"
    assert first.hint == "run it again and type it in time, or run first: aws sts get-caller-identity"
    assert second.text == "not done within 1 s"
    restore_terminal()
    gate.set()
    for end in (ours, theirs):
        os.close(end)


def test_a_check_that_has_no_thread_waits_no_longer_than_all(
    gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first check gets a thread, and does not end: what depends on it is not done, the rest is."""
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
        ("slow", "failure", "not done within 1 s"),
        ("quick", "ok", "done"),
        ("too late", "failure", "not done within 1 s"),
    ]


@pytest.mark.parametrize(
    "date",
    ["", "rubbish", "Mon, 01 Jan 0001 00:00:00 -0000", "Mon, 01 Jan 2026 99999999999999999999:00:00 GMT",
     "Mon, 01 Jan 2026 00:00:00 +99999999999999999999", "Mon, 99999999999999999999 Jan 2026 00:00:00 GMT",
     ",", " ", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "9" * 5000],
)  # fmt: skip
def test_a_date_that_is_none_tells_nothing_of_the_clock(date: str) -> None:
    subject = Context("", os.environ, IdentityOverride())
    subject.record_clock_skew({"date": date})
    assert len(subject.skews) == (date.startswith("Mon, 01 Jan 0001"))


def test_a_check_that_fails_is_a_finding() -> None:
    def ours(_: Context) -> Iterable[Finding]:
        raise ConfigurationError("subject", "what is wrong", "what to do")

    def fault(_: Context) -> Iterable[Finding]:
        raise RuntimeError("a secret")

    found = run_checks(
        Context("", os.environ, IdentityOverride()), [Check("a", ours), Check("b", fault)], 5, nothing
    )
    assert found == [
        ("failure", "what is wrong", "what to do", "a"),
        ("failure", "internal error (RuntimeError)", found[1].hint, "b"),
    ]


def test_the_page_of_doctor_tells_every_check_and_field() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/doctor.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [check.name for check in CHECKS]
    assert f"{SECONDS} seconds" in page
    assert f'"version": {VERSION},' in page
    for fact in FACTS:
        assert f'"{fact}": ' in page
