"""Check a built site: every link leads to a page and an anchor, and no page loads an asset from another host.

The theme's scripts can load further scripts from other hosts, but only for the features in ``ON_DEMAND``, so
pages must not use these.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

LOADS = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src", "srcdoc"),
    "image": ("href", "xlink:href"),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src", "href", "xlink:href"),
    "source": ("src", "srcset"),
    "track": ("src",),
    "use": ("href", "xlink:href"),
    "video": ("src", "poster"),
}
"""The attributes of HTML and SVG from which a browser loads something, by element."""

NOT_LOADED = {"alternate", "author", "canonical", "help", "license", "next", "prev"}
"""Relations of ``<link>`` that a browser does not follow by itself."""

ON_DEMAND = {"mermaid", "glightbox", "pyodide", "md-source"}
"""Classes of elements for which the scripts of the theme load something from another host."""

IN_STYLES = re.compile(r"""(?:url\(|@import)\s*["']?\s*([^"')\s;]+)""")


class Page(NamedTuple):
    """What the check needs to know about a page."""

    anchors: set[str]
    links: list[str]
    assets: list[str]
    classes: set[str]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page(set(), [], [], set())
        self.element = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.element = tag
        values = {name: value or "" for name, value in attrs}
        self.page.anchors.update(values[name] for name in ("id", "name") if name in values)
        self.page.classes.update(values.get("class", "").split())
        if tag == "a" and "href" in values:
            self.page.links.append(values["href"])
        if tag != "link" or not NOT_LOADED & set(values.get("rel", "").split()):
            for name in LOADS.get(tag, ()):
                candidates = values.get(name, "").split(",") if name == "srcset" else [values.get(name, "")]
                self.page.assets.extend(candidate.split()[0] for candidate in candidates if candidate.strip())
        self.page.assets.extend(IN_STYLES.findall(values.get("style", "")))

    def handle_data(self, data: str) -> None:
        if self.element == "style":
            self.page.assets.extend(IN_STYLES.findall(data))


def read(html: str) -> Page:
    """Return what the check needs to know about a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page


def problems(site: Path) -> list[str]:
    """Return everything that is wrong with the site in a directory, a line each."""
    paths = {path.relative_to(site).as_posix(): path for path in site.rglob("*") if path.is_file()}
    pages = {
        name: read(path.read_text(encoding="utf-8"))
        for name, path in paths.items()
        if path.suffix in {".html", ".svg"}
    }
    styles = {name: path.read_text(encoding="utf-8") for name, path in paths.items() if path.suffix == ".css"}
    found = [] if pages else [f"{site}: there are no pages"]
    for name, page in pages.items():
        found += [f"{name}: loads {asset} from another host" for asset in page.assets if is_foreign(asset)]
        found += [
            f"{name}: uses {class_}, which loads a script" for class_ in sorted(ON_DEMAND & page.classes)
        ]
        found += [f"{name}: {asset} does not exist" for asset in missing(name, page.assets, set(paths))]
        if name != "404.html":  # its links start at the root of the server
            found += [f"{name}: {link} leads nowhere" for link in dead(name, page.links, pages, set(paths))]
    for name, style in styles.items():
        assets = IN_STYLES.findall(style)
        found += [f"{name}: loads {asset} from another host" for asset in assets if is_foreign(asset)]
    return found


def is_foreign(url: str) -> bool:
    """Return whether a browser would ask another host for a URL."""
    parts = urlsplit(url.strip())
    return bool(parts.netloc or parts.scheme not in {"", "data"})


def is_local(url: str) -> bool:
    """Return whether a URL names a file of this site, relative to the page."""
    parts = urlsplit(url)
    return not parts.scheme and not parts.netloc and not url.startswith("/")


def resolved(page: str, path: str) -> str:
    """Return the path in the site of the file that a page refers to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(path)))


def missing(page: str, assets: list[str], files: set[str]) -> Iterator[str]:
    """Yield the assets of a page that are not in the site."""
    for asset in filter(is_local, assets):
        path = urlsplit(asset).path
        if path and resolved(page, path) not in files:
            yield asset


def dead(page: str, links: list[str], pages: dict[str, Page], files: set[str]) -> Iterator[str]:
    """Yield the links of a page to files or anchors that are not in the site."""
    for link in filter(is_local, links):
        parts = urlsplit(link)
        target = resolved(page, parts.path) if parts.path else page
        if target not in files and posixpath.normpath(f"{target}/index.html") in files:
            target = posixpath.normpath(f"{target}/index.html")
        anchor = unquote(parts.fragment)
        if target not in files or (anchor and target in pages and anchor not in pages[target].anchors):
            yield link
