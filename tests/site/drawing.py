"""Write SVG: panels, boxes, lines and texts, in the colours of a light and a dark mode."""

from __future__ import annotations

from html import escape

FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

LIGHT = {
    "back": "#ffffff",
    "line": "#d0d7de",
    "text": "#1f2328",
    "faint": "#59636e",
    "fill": "#f6f8fa",
    "blue": "#0969da",
    "green": "#1a7f37",
    "orange": "#bc4c00",
    "red": "#cf222e",
}
DARK = {
    "back": "#0d1117",
    "line": "#3d444d",
    "text": "#e6edf3",
    "faint": "#9198a1",
    "fill": "#151b23",
    "blue": "#58a6ff",
    "green": "#3fb950",
    "orange": "#f0883e",
    "red": "#f85149",
}


def variables(colours: dict[str, str]) -> str:
    """Return colours as CSS variables."""
    return "; ".join(f"--{name}: {colour}" for name, colour in colours.items())


STYLE = f"""\
svg {{ {variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ svg {{ {variables(DARK)} }} }}
text {{ font: 13px {FONT}; fill: var(--text) }}
.mono {{ font-family: {MONO}; font-size: 12.5px }}
.bold {{ font-weight: 600 }}
.middle {{ text-anchor: middle }}
.end {{ text-anchor: end }}
.halo {{ paint-order: stroke; stroke: var(--back); stroke-width: 5px }}
.panel {{ fill: var(--back); stroke: var(--line) }}
.box {{ fill: var(--fill); stroke: var(--line) }}
.rule {{ fill: none; stroke: var(--line) }}
.dashed {{ stroke-dasharray: 4 4 }}
.arrow {{ fill: none; stroke: var(--faint); stroke-width: 1.5; marker-end: url(#head) }}
.stem {{ fill: none; stroke: var(--faint); stroke-width: 1.5 }}
.head {{ fill: var(--faint) }}
""" + "".join(f".{name} {{ fill: var(--{name}) }}\n" for name in ("faint", "blue", "green", "orange", "red"))
"""The panel has a background of its own, so that a text can be read on every page."""

HEAD = """\
<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" \
markerUnits="userSpaceOnUse" orient="auto"><path class="head" d="M0 0.5 8 4 0 7.5Z"/></marker></defs>"""


def svg(width: int, height: int, title: str, *body: str, style: str = STYLE) -> str:
    """Return a picture with a panel as its background. The title describes it to screen readers."""
    return "\n".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-labelledby="title">',
        f'<title id="title">{escape(title)}</title>',
        f"<style>\n{style}</style>",
        f'<rect class="panel" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
        *body,
        "</svg>\n",
    ))  # fmt: skip


def text(x: float, y: float, content: str, classes: str = "") -> str:
    """Return a line of text that begins at a point, or is centred there with the class ``middle``."""
    return f'<text{attribute(classes)} x="{x:g}" y="{y:g}">{escape(content)}</text>'


def box(x: float, y: float, width: float, height: float, classes: str = "box") -> str:
    """Return a rectangle."""
    return f'<rect{attribute(classes)} x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6"/>'


def path(classes: str, *points: tuple[float, float]) -> str:
    """Return a line through points."""
    return f'<path{attribute(classes)} d="M{" L".join(f"{x:g} {y:g}" for x, y in points)}"/>'


def attribute(classes: str) -> str:
    """Return the attribute ``class``, or nothing."""
    return f' class="{classes}"' if classes else ""
