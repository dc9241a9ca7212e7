"""The diagrams and the recording match the code, and can be read in light and dark mode."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ecr_credhelper.token import LIFETIME
from tests.cli.first_pull import needs_pty
from tests.site import diagrams, recording
from tests.site.drawing import DARK, LIGHT
from tests.site.pages import ROOT
from tests.systems import documents
from tests.test_structure import LAYERS

pytestmark = documents

SVG = "{http://www.w3.org/2000/svg}"
PICTURES = [*(diagrams.IMAGES / name for name in diagrams.DIAGRAMS), recording.RECORDING]


def shown(path: Path) -> list[str]:
    """Return the lines of text in a picture."""
    return ["".join(element.itertext()) for element in ET.parse(path).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", diagrams.DIAGRAMS)
def test_the_diagrams_match_the_code(name: str) -> None:
    drawn = (diagrams.IMAGES / name).read_text(encoding="utf-8")
    assert drawn == diagrams.DIAGRAMS[name](), "run: python -m tests.site.diagrams"


def test_every_diagram_is_on_a_page() -> None:
    pages = [path.read_text(encoding="utf-8") for path in ROOT.glob("docs/**/*.md")]
    for name in diagrams.DIAGRAMS:
        assert any(f"/images/{name})" in page for page in pages), name


def test_the_diagram_of_directories_describes_every_directory() -> None:
    assert list(diagrams.DIRECTORIES) == list(LAYERS)


def test_the_diagram_of_a_token_ends_with_its_lifetime() -> None:
    assert f"Expired after {LIFETIME // 3600} h, never served:" in " ".join(
        shown(diagrams.IMAGES / "token-life.svg")
    )


@needs_pty
def test_the_recording_shows_what_the_program_prints() -> None:
    assert recording.RECORDING.read_text(encoding="utf-8") == recording.draw(recording.record()), (
        "run: python -m tests.site.recording"
    )


def test_the_recording_shows_the_start_of_a_secret_only() -> None:
    lines = shown(recording.RECORDING)
    assert "Apply these changes? [y/N] y" in lines
    (reply,) = [line for line in lines if line.startswith('{"ServerURL"')]
    assert len(reply) == recording.CUT


def test_terminal_codes_become_classes() -> None:
    assert recording.spans("\x1b[32m✓\x1b[0m <a>\x1b[0m") == '<tspan class="green">✓</tspan> &lt;a&gt;'


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_every_picture_has_a_title_two_modes_and_no_asset(picture: Path) -> None:
    text = picture.read_text(encoding="utf-8")
    root = ET.fromstring(text)
    assert root.findtext(f"{SVG}title")
    assert "@media (prefers-color-scheme: dark)" in text
    assert re.findall(r"(?:https?:)?//[^\"' <]+", text) == ["http://www.w3.org/2000/svg"]


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["text", "faint", "blue", "green", "orange", "red"])
def test_text_has_enough_contrast(name: str, colours: dict[str, str]) -> None:
    """WCAG 2.2 requires 4.5 to 1 for text of normal size."""
    for back in (colours["back"], colours["fill"]):
        darker, lighter = sorted((luminance(colours[name]), luminance(back)))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5
