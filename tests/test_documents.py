"""The documents are true: their commands run, their links lead somewhere, their texts are the program's."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

from benchmarks.report import quote
from ecr_credhelper import cli
from ecr_credhelper.aws.errors import EXCEPTIONS
from ecr_credhelper.aws.response_errors import RESPONSES
from ecr_credhelper.fetch.attempt import LOCK_SHARE
from ecr_credhelper.fetch.deadline import DEADLINE, TIMEOUTS
from ecr_credhelper.fingerprint import FILES, VARIABLES
from ecr_credhelper.library.host_errors import NOT_ECR
from ecr_credhelper.paths import APP
from ecr_credhelper.protocol import MAX_REQUEST
from ecr_credhelper.registry import PARTITIONS, PUBLIC_HOSTS, Registry, parse
from ecr_credhelper.settings.loader import Settings
from ecr_credhelper.settings.rules import PUBLIC
from ecr_credhelper.settings.validation import RULE_KEYS, TOP_LEVEL_KEYS
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.commands import output_of
from tests.conftest import HOST, run
from tests.corpus import HOSTS
from tests.installers import INSTALLERS, NAME
from tests.systems import documents

pytestmark = documents

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
"""A code block. Those in a tab are indented."""

LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(language: str) -> list[tuple[str, str]]:
    return [
        (path.name, textwrap.dedent(content))
        for path in PAGES
        for _, found, content in BLOCK.findall(path.read_text(encoding="utf-8"))
        if found == language
    ]


def commands() -> list[str]:
    """Return every command line of the shell blocks, without comments."""
    lines = [line for _, block in blocks("sh") for line in block.splitlines()]
    inline = re.findall(r"`((?:uv|pip|pipx|make) [^`\n]+)`", page("README.md"))
    return sorted({line.partition(" #")[0].strip() for line in [*lines, *inline]} - {""})


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("command", commands())
def test_every_command_of_the_documents_works(command: str, aws: FakeECR) -> None:
    name = command.split(maxsplit=1)[0]
    if name == "make":
        target = command.split()[1]
        assert re.search(rf"^{target}:", page("Makefile"), re.MULTILINE)
        assert f"directory {target} " in page(".ci/run"), "CI runs it"
    elif name in {"pip", "pipx", "uv"}:
        # Until the first release, the package index has no package: the same command runs in a clone.
        from_clone = ["." if word == NAME else word for word in command.split()]
        assert from_clone in INSTALLERS.values(), "make installers, which CI runs, runs it"
    else:
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        done = subprocess.run(
            ["sh", "-c", command], capture_output=True, check=False, env={**os.environ, "PATH": path}
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert len(aws.calls) == (1 if re.search(r" (get|password|header)\b", command) else 0)


def test_there_are_commands_to_check() -> None:
    installs = {" ".join(command) for command in INSTALLERS.values()}
    assert {"make demo", "make test", *installs} <= set(commands())


@pytest.mark.parametrize(("name", "block"), blocks("json"))
def test_every_configuration_of_the_documents_is_valid(name: str, block: str) -> None:
    configuration = json.loads(block)
    if "Statement" in configuration:  # tests/test_pages.py checks policies
        return
    assert set(configuration["credHelpers"].values()) == {"ecr-py"}, name
    assert all(parse(host) for host in configuration["credHelpers"])


@pytest.mark.parametrize(("name", "block"), blocks("toml"))
def test_every_settings_file_of_the_documents_is_valid(name: str, block: str) -> None:
    content = tomllib.loads(block)
    if "credential-helpers" not in content:  # registries.conf, which is not ours
        settings = Settings(name, content, {})
        settings.fallback()
        for pattern in content.get("registry", {}):
            settings.rule(Registry(pattern, account=pattern, public=pattern == "public"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(path: Path) -> None:
    for target, anchor in LINK.findall(path.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            file = path.parent / target
            assert file.exists(), target
            if anchor:
                headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
                assert anchor[1:] in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}


def test_the_error_in_the_readme_is_what_a_user_sees(home: Path) -> None:
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text(
        "[profile dev]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = r\n"
        "[sso-session s]\nsso_start_url = https://example.invalid/start\nsso_region = us-east-1\n"
    )
    error = run("get", stdin=HOST, env={**os.environ, "AWS_PROFILE": "dev"}).error
    assert error in page("README.md")


def test_the_program_in_the_readme_runs(home: Path, aws: FakeECR) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text(
        f"[prod]\naws_access_key_id = {aws.access_key}\naws_secret_access_key = {aws.secret_key}\n"
    )
    (program,) = [block for name, block in blocks("python") if name == "README.md"]
    assert output_of([sys.executable, "-c", program]).startswith("AWS 2")
    assert len(aws.calls) == 1


def reasons() -> set[str]:
    """Return the reasons of all our errors from the source, with … for the parts that vary."""
    found = {row.reason for row in (*EXCEPTIONS, *RESPONSES)} - {"{denial}"}
    # The values of {denial}.
    found |= {"AWS denies …", "… is not authorized to perform … on …", "AWS does not accept the MFA code"}
    found |= {NOT_ECR, *(reason for reason, _ in TIMEOUTS.values())}
    for path in ROOT.glob("ecr_credhelper/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                # An error of the system appears in parentheses in one of our reasons.
                case ast.Call(func=ast.Name(id="PermissionError" | "FileNotFoundError" | "OSError")):
                    continue
                case ast.Call(func=ast.Name(id=name), args=[_, text, *_]) if name.endswith("Error"):
                    found.add(template(text))
                case ast.Assign(targets=[ast.Name(id="reason")], value=text):
                    found.add(template(text))
                case ast.Assign(targets=[ast.Name(id="problems")], value=ast.Tuple(elts=rows)) if (
                    path.name == "config_errors.py"
                ):
                    found |= {template(row.elts[1]) for row in rows if isinstance(row, ast.Tuple)}
                case ast.Assign(
                    targets=[ast.Tuple(elts=[ast.Name(id="reason"), *_])],
                    value=ast.Tuple(elts=[text, *_]),
                ) if path.parent.name != "doctor":  # a finding, not an error
                    found.add(template(text))
    return {re.sub(r"\{[^}]*\}", "…", text) for text in found} - {""}


def template(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(template(part) or "…" for part in parts)
    return ""


def test_the_page_of_errors_is_every_error_of_the_code() -> None:
    rows = re.findall(r"^\| (`.+?) \|", page("docs/reference/errors.md"), re.MULTILINE)
    told = set(re.findall(r"`([^`]+)`", " ".join(rows)))
    assert told == reasons()


def test_the_pages_tell_the_programs_numbers_and_names() -> None:
    environment = page("docs/reference/environment-and-files.md")
    assert f"| {DEADLINE} s |" in environment
    assert f"| {LOCK_SHARE * DEADLINE:.0f} s |" in environment
    assert f"| {MAX_REQUEST // 1024} KiB |" in environment
    assert APP in environment


@pytest.mark.parametrize("name", [*VARIABLES, *(variable for _, variable, *_ in FILES if variable)])
def test_the_page_on_caching_explains_every_variable_of_the_fingerprint(name: str) -> None:
    assert f"`{name}`" in page("docs/explanation/caching.md")


def test_the_figures_of_speed_are_those_of_the_measured_table() -> None:
    text, table = page("docs/explanation/speed.md"), page("docs/explanation/speed-table.md")
    assert quote(text, table) == text
    names = re.findall(r"^\| (.+?) \| .* \| [\d.]+ \|$", text, re.MULTILINE)
    assert names
    assert [name for name in names if f"| {name} |" not in table] == []
    (every_python,) = re.findall(r"^\| warm get, all Pythons here \| (\S+ to \S+) \|", table, re.MULTILINE)
    readme = " ".join(page("README.md").split())
    assert f"login takes {every_python} times as long as `python -c pass`" in readme
    rows = re.findall(r"^\| (pip [\d.]+) \| python -c pass \| \*\*([\d.]+)\*\*", table, re.MULTILINE)
    ((old, ratio),) = rows
    assert f"Debian 13 has {old}) takes {ratio} times as long" in readme
    (uv,) = re.findall(r"^\| uv \| python -c pass \| \*\*([\d.]+)\*\*", table, re.MULTILINE)
    assert f"installed with uv, {uv} times" in readme


def test_the_page_of_host_names_is_the_table_of_the_code() -> None:
    text = page("docs/reference/registries.md")
    for name, _, suffix, dualstack in PARTITIONS:
        assert f"| {name} | `{suffix}` | {f'`{dualstack}` |' if dualstack else '|'}" in text
    corpus = {row.host: row.api for row in HOSTS}
    forms = re.findall(r"^\| [\w, -]+ \| `([^`]+)` \| `([^`]+)` \|$", text, re.MULTILINE)
    forms = [form for form in forms if form[0] in corpus]
    assert len(forms) == 6
    assert dict(forms).items() <= corpus.items()
    assert set(PUBLIC_HOSTS) <= {host for host, _ in forms}


def test_the_page_of_settings_and_the_command_show_every_setting(capfd: pytest.CaptureFixture[str]) -> None:
    text = page("docs/reference/settings.md").partition("\n## Show the settings\n")[0]
    tables = dict(re.findall(r"^\| (`[a-z].*?`) \| (.*) \|$", text, re.MULTILINE))
    documented = set(re.findall(r"`(\w+)`", " ".join(tables))) - {PUBLIC}
    settings = {*TOP_LEVEL_KEYS, *RULE_KEYS} - {"registry", PUBLIC}
    assert documented == settings
    assert cli.run(["config", "--json"]) == 0
    assert set(TOP_LEVEL_KEYS) - {"registry"} <= set(json.loads(capfd.readouterr().out)["settings"])


def test_the_lowest_dependencies_that_ci_installs_are_the_bounds() -> None:
    bounds = tomllib.loads(page("pyproject.toml"))["project"]["dependencies"]
    pins = [line for line in page("tests/lowest.txt").splitlines() if not line.startswith("#")]
    assert pins == [bound.replace(">=", "==") for bound in bounds]


def test_the_page_on_architecture_names_every_module() -> None:
    text = page("docs/explanation/architecture.md")
    tree = text.partition("```\n")[2].partition("```")[0]
    # Lines with a deeper indentation continue the description.
    described = dict(re.findall(r"^    (\w+(?:\.py|/)) +(.*(?:\n {5,}.*)*)", tree, re.MULTILINE))
    package = ROOT / "ecr_credhelper"
    directories = {f"{path.parent.name}/" for path in package.glob("*/*.py")}
    assert described.keys() == {path.name for path in package.glob("*.py")} | directories
    for name in ("library/", "fetch/", "aws/", "settings/", "console/"):
        modules = {path.stem for path in package.glob(f"{name}*.py")} - {"__init__"}
        assert modules - set(re.findall(r"\w+", described[name])) == set(), name
    for path in re.findall(r"`(\w+/\w+\.(?:py|tsv)|tests/[\w/]+\.(?:py|tsv))`", text):
        assert (ROOT / path).exists() or (package / path).exists(), path
