"""Draw the ratios: one dot for each row, with the middle half of its pairs, on a logarithmic scale."""

import math
from collections.abc import Iterable, Iterator
from html import escape

from benchmarks.report import Ratio, Section

WIDTH = 860
LEFT = 430
RIGHT = 60
LINE = 24
TOP = 44
SAME = 0.05
"""Differences of the ratio from 1 up to this size count as equal, because the machine is shared."""

# These colours are distinguishable for colour-blind readers, and visible on a light and on a dark background.
# An image in a page follows the reader's colour scheme.
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.faint { fill: #59636e }
.grid { stroke: #8b949e; stroke-opacity: .3 }
.one { stroke: #59636e; stroke-width: 1.5 }
.faster { fill: #0969da; stroke: #0969da }
.slower { fill: #d9730d; stroke: #d9730d }
.same { fill: #848d97; stroke: #848d97 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .faint { fill: #9198a1 }
  .one { stroke: #9198a1 }
  .faster { fill: #58a6ff; stroke: #58a6ff }
}
"""


def svg(sections: Iterable[Section]) -> str:
    """Return an SVG image of all ratios of ``sections``."""
    drawn = [section for section in sections if section.ratios]
    quartiles = [row.quartiles for section in drawn for row in section.ratios]
    scale = _Scale(min(low for low, _, _ in quartiles), max(high for _, _, high in quartiles))
    height = TOP + LINE * sum(len(section.ratios) + 1.5 for section in drawn) + 8
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
            f'viewBox="0 0 {WIDTH} {height:.0f}" role="img">',
            "<title>Time of this helper over the time of the other, medians of pairs</title>",
            f"<style>\n{STYLE}</style>",
            *scale.axis(height),
            *_body(drawn, scale),
            "</svg>\n",
        )
    )


class _Scale:
    """A logarithmic scale: converts a ratio to a horizontal position."""

    def __init__(self, least: float, most: float) -> None:
        self.first = math.floor(math.log2(min(least, 0.5)))
        self.last = math.ceil(math.log2(max(most, 2)))

    def x(self, ratio: float) -> float:
        part = (math.log2(ratio) - self.first) / (self.last - self.first)
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def axis(self, height: float) -> Iterator[str]:
        for power in range(self.first, self.last + 1):
            x = self.x(2**power)
            kind = "grid" if power else "one"
            yield f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 12}" y2="{height:.0f}"/>'
            label = f"1/{2**-power}" if power < 0 else f"{2**power}"
            yield f'<text class="faint" x="{x:.1f}" y="{TOP - 18}" text-anchor="middle">{label}</text>'
        for x, anchor, text in ((self.x(1) - 18, "end", "← faster"), (self.x(1) + 18, "start", "slower →")):
            yield f'<text class="faint" x="{x:.1f}" y="12" text-anchor="{anchor}">{text}</text>'


def _body(sections: Iterable[Section], scale: _Scale) -> Iterator[str]:
    y: float = TOP
    for section in sections:
        y += LINE
        yield f'<text class="title" x="8" y="{y:.0f}">{escape(section.title)}</text>'
        for row in section.ratios:
            y += LINE
            yield from _row(row, scale, y)
        y += LINE / 2


def _row(row: Ratio, scale: _Scale, y: float) -> Iterator[str]:
    low, middle, high = row.quartiles
    kind = "same" if abs(middle - 1) < SAME else "faster" if middle < 1 else "slower"
    left, x, right = (f"{scale.x(ratio):.1f}" for ratio in (low, middle, high))
    baseline = f'<tspan class="faint">/ {escape(row.baseline)}</tspan>'
    yield f'<text x="16" y="{y:.0f}">{escape(row.what)} {baseline}</text>'
    yield f'<path class="{kind}" d="M{left} {y - 4:.0f}H{right}" stroke-width="3"/>'
    yield f'<circle class="{kind}" cx="{x}" cy="{y - 4:.0f}" r="5"/>'
    yield f'<text x="{WIDTH - 8}" y="{y:.0f}" text-anchor="end">{middle:.2f}</text>'
