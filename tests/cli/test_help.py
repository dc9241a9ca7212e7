"""Help, and the errors of command lines that no command can parse."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper import __main__ as program
from ecr_credhelper import cli
from ecr_credhelper.cli.usage_errors import HINTS, redacted_words, usage_error
from ecr_credhelper.cli.verbs import VERBS
from ecr_credhelper.helper import VERBS as HELPER_VERBS
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests import systems
from tests.conftest import AS_A_PROCESS, HOST, Result, Run, login, run
from tests.man_page import ROOT
from tests.terminals import run_in_terminal

PROG = "docker-credential-ecr-py"


@pytest.fixture(params=["in this process", AS_A_PROCESS])
def call(request: pytest.FixtureRequest, capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Return a function that runs a command as a separate process or in this process."""

    def here(*argv: str) -> Result:
        status = program.main(argv)
        output = capfdbinary.readouterr()
        return Result(status, output.out, output.err)

    return run if request.param == AS_A_PROCESS else here


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["help"], ["help", "help"], ["help", "--help"],
                                  ["version", "--help"], []], ids=" ".join)  # fmt: skip
def test_help_shows_commands_options_and_exit_statuses(call: Run, argv: list[str]) -> None:
    result = call(*argv)
    text = result.stdout.decode()
    assert (result.status, result.stderr) == (0 if argv else 2, b"")
    assert text.startswith("Docker credential helper for Amazon ECR.\n\nUsage: ")
    assert text.index("configure") < text.index("status") < text.index("doctor")
    assert all(f"\n  {name} " in text for name in cli.NAMES)
    for words in ("-V, --version", "-h, --help", "get, store, erase and list", "2 wrong command line"):
        assert words in text
    assert max(map(len, text.splitlines())) <= 80


def test_help_names_the_documentation() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project.get("urls", {}).get("Documentation", "docs/README.md") in cli.usage()


@pytest.mark.parametrize("name", cli.NAMES)
def test_the_help_of_every_command_has_labelled_examples(call: Run, name: str) -> None:
    result = call(name, "--help")
    text = result.stdout.decode()
    assert (result.status, result.stderr) == (0, b"")
    assert text.startswith(f"usage: {PROG} {name}")
    assert re.search(f"\nexamples:\n  # [A-Z].+\n  {PROG} {name}", text)
    assert max(map(len, text.splitlines())) <= 80
    for argv in ([name, "-h"], ["help", name], ["--help", name], ["-h", name], ["help", name, "more"]):
        assert call(*argv) == result


@pytest.mark.parametrize("verb", HELPER_VERBS)
def test_the_help_of_a_protocol_command_explains_its_input_and_output(call: Run, verb: str) -> None:
    result = call(verb, "--help")
    text = result.stdout.decode()
    assert (result.status, result.stderr) == (0, b"")
    assert text.startswith(f"usage: {PROG} {verb}\n")
    assert "reads from standard input:\n  " in text
    assert "prints on standard output:\n  " in text
    assert "to try it:\n  " in text
    assert max(map(len, text.splitlines())) <= 80
    for argv in ([verb, "-h"], ["help", verb], ["--help", verb], ["-h", verb]):
        assert call(*argv) == result


def test_the_help_describes_what_the_protocol_commands_really_print(aws: FakeECR) -> None:
    helps = {verb.name: verb.prints for verb in VERBS}
    assert list(helps) == list(HELPER_VERBS)

    def shape(text: bytes) -> str:
        """Return a reply with what varies in capitals, as the help shows it."""
        text = text.replace(HOST.encode(), b"REGISTRY")
        text = re.sub(rb'("Secret":")[^"]+', rb"\1PASSWORD", text)
        return re.sub(r'(?<=[":,])(?=["{])', "", text.decode().strip())

    def compact(line: str) -> str:
        return line.replace('": "', '":"').replace('", "', '","')

    assert shape(run("get", stdin=HOST).stdout) == compact(helps["get"][0])
    assert run("get", stdin="ghcr.io") == Result(1, f"{helps['get'][2]}\n".encode(), b"")
    assert shape(run("list").stdout) == compact(helps["list"][0])
    assert run("store", stdin=login()) == run("erase", stdin=HOST) == Result(0, b"", b"")
    assert helps["store"] == helps["erase"] == ("nothing",)
    assert len(aws.calls) == 1


@pytest.mark.parametrize(("argv", "reason", "hint"), [
    (["confgure"], "unknown command 'confgure'", "did you mean configure?"),
    (["STATUS"], "unknown command 'STATUS'", "did you mean status?"),
    (["lsit"], "unknown command 'lsit'", "did you mean list?"),
    (["verison"], "unknown command 'verison'", "did you mean version?"),
    (["remove", HOST], "unknown command 'remove'", "did you mean unconfigure?"),
    (["signin"], "unknown command 'signin'", "did you mean login?"),
    (["?"], "unknown command '?'", f"run: {PROG} --help"),
    (["frobnicate"], "unknown command 'frobnicate'", f"run: {PROG} --help"),
    (["help", "frobnicate"], "unknown command 'frobnicate'", f"run: {PROG} --help"),
    (["frobnicate", "--help"], "unknown command 'frobnicate'", f"run: {PROG} --help"),
    (["logout", HOST], "unknown command 'logout'", f"to remove a login, run: {PROG} cache clear HOST; "
     f"to undo configure, run: {PROG} unconfigure"),
    (["setup"], "unknown command 'setup'", "did you mean configure?"),
    (["ls"], "unknown command 'ls'", "did you mean status?"),
    (["get-login-password", "--region", "us-west-2"], "unknown command 'get-login-password'",
     "did you mean password?"),
    (["list", "--json"], "list takes no arguments", f"run: {PROG} list --help"),
    (["--bogus"], "unknown option --bogus", f"run: {PROG} --help"),
    (["-x", "1"], "unknown option -x", f"run: {PROG} --help"),
    (["--json", "status"], "the options of status must follow it", f"run: {PROG} status --help"),
    ([f"https://{HOST}/team/app:1"], "a command is missing", f"run: {PROG} configure {HOST}"),
])  # fmt: skip
def test_a_wrong_command_line_gets_a_hint(call: Run, argv: list[str], reason: str, hint: str) -> None:
    line = f"{PROG}: {reason}; {hint}\n".encode()
    # To both streams: password=$(... passwort HOST) must not hide the error, and a client reads only one.
    assert call(*argv) == Result(2, line, line)


@systems.terminals
def test_a_user_sees_the_error_once() -> None:
    session = run_in_terminal("confgure")
    told = f"{PROG}: unknown command 'confgure'; did you mean configure?\n"
    assert (session.status, session.screen) == (2, told)


def test_the_commands_of_other_programs_lead_to_commands_that_exist() -> None:
    for name, hint in HINTS.items():
        named = re.findall(rf"(?:did you mean|{PROG}) ([a-z]+)", hint)
        assert named, name
        assert set(named) <= set(cli.NAMES)
        assert name not in cli.NAMES


@pytest.mark.parametrize("word", [
    "AKIAFAKEFAKEFAKEFAKE:secret", "user@example.com", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "eyJwYXlsb2FkIjoiYSI6MX0=", "-phunter2", "two words", "p\u00e4ssword", "x" * 41,
])  # fmt: skip
def test_a_word_that_can_be_a_secret_is_not_repeated(call: Run, word: str) -> None:
    for argv in ([word], ["help", word], ["status", word], ["status", f"--password={word}"]):
        result = call(*argv)
        assert result.status == 2
        assert word.encode() not in result.stdout + result.stderr
        assert "…" in result.stderr.decode() or b"--password" in result.stderr


@given(st.lists(st.text(max_size=60) | st.sampled_from(["-", "--", "--a=", "a:b", HOST]), min_size=1))
def test_an_error_repeats_only_short_plain_words(argv: list[str]) -> None:
    line = str(usage_error(argv))
    assert "\n" not in line
    repeated = re.compile(r"…|--[\w-]{0,30}|-\w?|[\w.][\w.-]{0,19}|\?|", re.ASCII)
    assert all(map(repeated.fullmatch, redacted_words(argv).split(" ")))


def test_the_values_of_an_unknown_option_are_not_repeated(call: Run) -> None:
    result = call("login", "-u", "AWS", "-p", "hunter2", HOST)
    assert result.status == 2
    assert result.stderr.decode() == (
        f"{PROG} login: unrecognized arguments: -u -p; run: {PROG} login --help\n"
    )  # fmt: skip


@pytest.mark.parametrize(("argv", "reason"), [
    (["configure", "--yse"], "unrecognized arguments: --yse; did you mean --yes?"),
    (["login", "--regoin", "us-west-2"], "unrecognized arguments: --regoin; did you mean --region?"),
    (["login", "--regoin=hunter2"], "unrecognized arguments: --regoin; did you mean --region?"),
    (["doctor", HOST, "--role", "x"], "unrecognized arguments: --role; did you mean --role-arn?"),
    (["password", HOST, "--prof", "x"], "unrecognized arguments: --prof; did you mean --profile?"),
    (["login", "--registry-ids", "111122223333"], "unrecognized arguments: --registry-ids; "
     "did you mean several ACCOUNT arguments? They need no option"),
    *((
        [name, HOST, HOST], f"{name} accepts one registry; run: {PROG} {name} --help"
    ) for name in ("password", "header", "doctor")),
    (["cache", "show", HOST, HOST], f"cache accepts one registry; run: {PROG} cache --help"),
    (["status", "foo"], f"unrecognized arguments: foo; run: {PROG} status --help"),
    (["login", "--tool", "podmna"], "argument --tool: unknown client 'podmna'; did you mean podman?"),
    (["completion", "zhs"], "argument shell: unknown shell 'zhs'; did you mean zsh?"),
])  # fmt: skip
def test_a_wrong_argument_of_a_command_gets_a_suggestion(call: Run, argv: list[str], reason: str) -> None:
    assert call(*argv) == Result(2, b"", f"{PROG} {argv[0]}: {reason}\n".encode())


@pytest.mark.parametrize("argv", [["help", "help"], ["help", "help", "help"], ["--help", "help", "-h"]])
def test_help_for_help_is_the_help(call: Run, argv: list[str]) -> None:
    assert call(*argv) == call("help")


@pytest.mark.parametrize("name", cli.NAMES)
def test_a_wrong_option_leads_to_the_help_of_its_command(call: Run, name: str) -> None:
    host = [HOST] if name in {"login", "password", "header", "auth"} else []
    result = call(name, *host, "--bogus")
    assert (result.status, result.stdout) == (2, b"")
    told = f"{PROG} {name}: unrecognized arguments: --bogus; run: {PROG} {name} --help\n"
    assert result.stderr.decode() == told


@pytest.mark.parametrize(
    "command",
    [
        ["login", HOST],
        ["password", HOST],
        ["header", HOST],
        ["auth", HOST],
        ["doctor"],
    ],
)
@pytest.mark.parametrize("value", ["foo", "", "arn:aws:iam::111122223333:user/me", "arn:aws:iam::1:role/r"])
def test_a_role_that_is_no_arn_is_a_wrong_command_line(
    call: Run, command: list[str], value: str, aws: FakeECR
) -> None:
    result = call(*command, "--role-arn", value)
    assert (result.status, result.stdout) == (2, b"")
    assert f'argument --role-arn: found "{value}", expected a role ARN' in result.stderr.decode()
    assert not aws.calls


@pytest.mark.parametrize(
    "arn", ["arn:aws:iam::111122223333:role/pull", "arn:aws-cn:iam::111122223333:role/a/b"]
)
def test_a_role_arn_is_accepted(arn: str, ask: Run) -> None:
    assert "--role-arn" not in ask("password", "ghcr.io", "--role-arn", arn).stderr.decode()
