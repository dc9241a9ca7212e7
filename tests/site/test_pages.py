"""The pages of the site: their links, the man page, the navigation and the API reference."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ecr_credhelper
from ecr_credhelper import testing
from tests.site.pages import MAN_PAGE, PAGES, ROOT, page_of, prepare, with_links_of_the_site
from tests.site.roff import markdown
from tests.systems import documents

pytestmark = documents

CONFIGURATION = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the directory of a project with a few documents."""
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    (tmp_path / "docs/how-to").mkdir()
    (tmp_path / "docs/how-to/a.md").write_text("[b](b.md)\n")
    (tmp_path / "docs/how-to/b.md").write_text("[code](../../code/x.py)\n")
    (tmp_path / "docs/x.svg").write_text("<svg/>")
    (tmp_path / "code").mkdir()
    (tmp_path / "code/x.py").write_text("1\n")
    return tmp_path


@pytest.mark.parametrize(("document", "link", "expected"), [
    ("docs/how-to/a.md", "b.md#c", "b.md#c"),
    ("docs/how-to/a.md", "#c", "#c"),
    ("docs/how-to/a.md", "../README.md", "../index.md"),
    ("docs/how-to/a.md", "../../README.md", "../index.md"),
    ("docs/how-to/a.md", "../../SECURITY.md#c", "../security.md#c"),
    ("docs/how-to/a.md", "../../code/x.py", "../files/code/x.py"),
    ("docs/how-to/a.md", "../x.svg", "../x.svg"),
    ("docs/how-to/a.md", "missing.md", "missing.md"),
    ("docs/how-to/a.md", "https://example.com/b.md", "https://example.com/b.md"),
    ("CHANGELOG.md", "docs/how-to/a.md", "how-to/a.md"),
    ("CHANGELOG.md", "docs/x.svg", "x.svg"),
])  # fmt: skip
def test_links_lead_to_the_pages_of_the_site(document: str, link: str, expected: str, project: Path) -> None:
    text, files = with_links_of_the_site(f"a [link]({link}).\n", document, project)
    assert text == f"a [link]({expected}).\n"
    assert files == ({"code/x.py"} if "x.py" in link else set())


def test_code_is_not_changed(project: Path) -> None:
    block = "```text\n[a](../README.md)\n```\n"
    assert with_links_of_the_site(block, "docs/how-to/a.md", project)[0] == block


def test_every_document_becomes_a_page(project: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    prepare(target, project)
    found = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert found == {
        "index.md", "changelog.md", "contributing.md", "security.md", "how-to/a.md", "how-to/b.md", "x.svg",
        "files/code/x.py", MAN_PAGE,
    }  # fmt: skip
    assert (target / "index.md").read_text() == "# docs/README.md\n"


def test_the_navigation_names_every_page_once() -> None:
    nav = CONFIGURATION.partition("\nnav:\n")[2]
    named = re.findall(r"(\S+\.md)$", nav, re.MULTILINE)
    documents = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md")]
    pages = {*map(page_of, documents), *PAGES.values(), MAN_PAGE}
    assert sorted(named) == sorted(pages), "change nav in mkdocs.yml"


def test_the_api_reference_names_every_public_name() -> None:
    text = (ROOT / "docs/reference/api.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^::: ecr_credhelper\.(\S+)$", text, re.MULTILINE))
    public = {*ecr_credhelper.__all__} - {"__version__"}
    assert named == {*public, *(f"testing.{name}" for name in testing.__all__), "testing.plugin.fake_ecr"}


@pytest.mark.parametrize(("roff", "expected"), [
    ('.TH NAME 1 "" "name 1" "User Commands"', "# name(1)\n\n"),
    (".SH EXIT STATUS\ntext", "\n## Exit status\n\ntext\n"),
    (".SS get [\\-\\-all]", "\n### get\n\n`get [--all]`\n\n"),
    (".TP\n.B \\-a, \\-\\-all\nall <of> them", "\n`-a, --all`\n:   all &lt;of&gt; them\n"),
    (".TP\nRun it:\n.EX\nname \\(ti/x\n.EE", "\nRun it:\n:   `name ~/x`\n"),
    (".B name\n.br\nother", "**name**\n<br>\nother\n"),
    (".BR docker\\-login (1),", "**docker-login**(1),\n"),
    (".nh\n\\&.docker/*", ".docker/\\*\n"),
])  # fmt: skip
def test_roff_becomes_markdown(roff: str, expected: str) -> None:
    assert markdown(roff) == expected


def test_an_unknown_request_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"unknown request: \.IP x"):
        markdown(".IP x")
