"""The rows of the results, and their Markdown."""

import re
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.processes import Command

HEAD = """\
<!-- Written by `make bench`; change benchmarks/ instead. -->

{versions}

Two commands ran in turn, as pairs. A ratio is this helper's time divided by that of the other command: the
median of all pairs, with the middle half of the pairs in parentheses. Under 1, this helper is faster. The
times are medians of whole processes.
"""

RATIO_CELLS = 6
"""Columns of a table of ratios."""

HEADS = ("what", "---")
"""First cells of lines that are not rows."""


@dataclass(frozen=True)
class Ratio:
    """Two commands that ran in turn, and the seconds of each pair."""

    what: str
    baseline: str
    commands: tuple[Command, Command]
    pairs: Sequence[tuple[float, float]]

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """The ratio of a pair: lower quartile, median, upper quartile."""
        low, middle, high = statistics.quantiles([ours / other for ours, other in self.pairs], n=4)
        return low, middle, high

    def cells(self) -> tuple[str, ...]:
        low, middle, high = self.quartiles
        ours, other = (f"{statistics.median(side) * 1000:.1f}" for side in zip(*self.pairs, strict=True))
        ratio = f"**{middle:.2f}** ({low:.2f} to {high:.2f})"
        return self.what, self.baseline, ratio, ours, other, str(len(self.pairs))


@dataclass(frozen=True)
class Count:
    """A row with counts instead of times, or with the reason why it was not measured."""

    what: str
    ours: str
    other: str = "-"

    def cells(self) -> tuple[str, ...]:
        return self.what, self.ours, self.other


@dataclass
class Section:
    """A section of the table; ``note`` is a paragraph of Markdown below the rows."""

    title: str
    note: str = ""
    ratios: list[Ratio] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)

    def add(self, row: Ratio | Count) -> None:
        """Add a row and print it as progress."""
        if isinstance(row, Ratio):
            self.ratios.append(row)
        else:
            self.counts.append(row)
        say(" | ".join(row.cells()))

    def skip(self, what: str, reason: str) -> None:
        """Add a row with the reason why it was not measured."""
        self.add(Count(what, f"not measured: {reason}"))

    def markdown(self) -> str:
        parts = [f"### {self.title}\n"]
        if self.ratios:
            head = ("what", "compared with", "ratio", "ms", "ms of the other", "pairs")
            parts.append(_table(head, (row.cells() for row in self.ratios)))
        if self.counts:
            parts.append(_table(("what", "this helper", "the other"), (row.cells() for row in self.counts)))
        if commands := dict.fromkeys(str(command) for row in self.ratios for command in row.commands):
            parts.append("\n".join(("```text", *commands, "```\n")))
        if self.note:
            parts.append(f"{self.note}\n")
        return "\n".join(parts)


def markdown(sections: Iterable[Section], versions: str) -> str:
    """Return the whole document."""
    return "\n".join((HEAD.format(versions=versions), *(section.markdown() for section in sections)))


def quote(text: str, table: str) -> str:
    """Return a document in which the rows that it quotes have the figures of the table.

    A quoted row lacks the number of pairs and their spread. Versions at the end of a cell can differ.
    """
    rows = {}
    for line in table.splitlines():
        cells = _cells(line)
        if not line.startswith("|") or cells[0] in HEADS:
            continue
        if len(cells) == RATIO_CELLS:
            what, baseline, ratio, *times, _ = cells
            cells = [what, baseline, re.sub(r"\*\*(.*)\*\*.*", r"\1", ratio), *times]
        rows[_key(cells)] = f"| {' | '.join(cells)} |"
    return "".join(f"{rows.get(_key(_cells(line)), line)}\n" for line in text.splitlines())


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _key(cells: Sequence[str]) -> tuple[str, ...]:
    """Return the cells that identify a row: both commands of a ratio, or the name of a count."""
    names = cells[: 2 if len(cells) == RATIO_CELLS - 1 else 1]
    return (str(len(cells)), *(re.sub(r" [\d.]+$", "", name) for name in names))


def say(line: str) -> None:
    """Print the progress."""
    print(line, file=sys.stderr, flush=True)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
