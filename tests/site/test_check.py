"""The check of the built site finds assets of other hosts, and links and assets that lead nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.site.check import problems
from tests.systems import documents

pytestmark = documents

OTHER = "https://cdn.example.com/a"


def site(directory: Path, **files: str) -> Path:
    """Write the files of a site: ``a_html`` is ``a.html``, ``b__c_html`` is ``b/c.html``."""
    for name, content in files.items():
        path = directory / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return directory


@pytest.mark.parametrize("html", [
    f'<script src="{OTHER}"></script>',
    '<script src="//cdn.example.com/a"></script>',
    f'<link rel="stylesheet" href="{OTHER}">',
    f'<link rel="preconnect" href="{OTHER}" crossorigin>',
    f'<img src="{OTHER}" alt="">',
    f'<img srcset="{OTHER} 2x" alt="">',
    f'<picture><source srcset="{OTHER}"></picture>',
    f'<iframe src="{OTHER}"></iframe>',
    f'<object data="{OTHER}"></object>',
    f'<svg><use xlink:href="{OTHER}"/></svg>',
    f'<svg><image href="{OTHER}"/></svg>',
    f'<p style="background: url({OTHER})">',
    f'<style>@import "{OTHER}";</style>',
    f"<style>p {{ background: url('{OTHER}') }}</style>",
])  # fmt: skip
def test_an_asset_of_another_host_is_found(html: str, tmp_path: Path) -> None:
    (problem,) = problems(site(tmp_path, a_html=html))
    assert problem.startswith("a.html: loads ")
    assert problem.endswith("from another host")


def test_the_styles_and_images_of_the_site_are_checked(tmp_path: Path) -> None:
    style, image = f"@font-face {{ src: url({OTHER}) }}", f'<svg><image href="{OTHER}"/></svg>'
    found = problems(site(tmp_path, a_html="", b_css=style, c_svg=image))
    assert found == [f"c.svg: loads {OTHER} from another host", f"b.css: loads {OTHER} from another host"]


@pytest.mark.parametrize("html", [
    f'<a href="{OTHER}">link</a>',
    f'<link rel="canonical" href="{OTHER}">',
    '<img src="data:image/svg+xml,x" alt="">',
    '<script src="b/c.js"></script><a href="b/c.js?x">link</a>',
    '<a href="b/c.html#d">link</a><a href="#e" id="e">link</a>',
    '<a href="b">the index of a directory</a>',
    f"<p>url({OTHER})",
])  # fmt: skip
def test_a_page_can_link_to_other_hosts_and_load_its_own_files(html: str, tmp_path: Path) -> None:
    page = '<p id="d"><a href="../a.html">link</a><a href="">link</a>'
    assert problems(site(tmp_path, a_html=html, b__c_html=page, b__c_js="", b__index_html="")) == []


@pytest.mark.parametrize(("html", "problem"), [
    ('<a href="b.html">', "b.html leads nowhere"),
    ('<a href="#b">', "#b leads nowhere"),
    ('<a href="a.html#b">', "a.html#b leads nowhere"),
    ('<img src="b.svg" alt="">', "b.svg does not exist"),
    ('<pre class="mermaid">', "uses mermaid, which loads a script"),
])  # fmt: skip
def test_what_leads_nowhere_is_found(html: str, problem: str, tmp_path: Path) -> None:
    assert problems(site(tmp_path, a_html=html)) == [f"a.html: {problem}"]


def test_a_directory_without_pages_is_an_error(tmp_path: Path) -> None:
    assert problems(tmp_path) == [f"{tmp_path}: there are no pages"]
