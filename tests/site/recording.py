"""Record a terminal in ``docs/recording.svg``: configure Docker, then get a login as ``docker pull`` does.

    python -m tests.site.recording

The executable runs on a real pseudo-terminal, with a fake ECR API on loopback and an empty home directory.
It needs Linux or macOS. A test checks that the file shows what the executable prints.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from html import escape
from typing import NamedTuple
from unittest.mock import patch

from ecr_credhelper.testing import FakeECR, isolated
from tests.commands import EXECUTABLE, with_limit
from tests.site.drawing import DARK, LIGHT, MONO, svg, variables
from tests.site.pages import ROOT
from tests.terminals import converse

RECORDING = ROOT / "docs/recording.svg"
HOST = "111122223333.dkr.ecr.us-west-2.amazonaws.com"
NAME = os.path.basename(EXECUTABLE)
COLUMNS = 100
CUT = 97
"""Characters of the reply that are shown: its start, without most of the secret."""

WIDTH, LINE, LEFT, TOP = 880, 20, 20, 56
TYPING, PAUSE, STEP = 0.03, 0.8, 0.12
"""Seconds for a typed character, before the output of a command, and between two of its lines."""

PATIENT = with_limit("cli.verification", "TOTAL_SECONDS", 600)
"""The program with a time limit that a busy machine does not exceed."""

PROGRESS = "\r\x1b[K"
"""Removes a line of progress, which is shown on a slow machine only."""

CLASSES = {"1": "bold", "2": "faint", "31": "red", "32": "green", "33": "orange"}
"""The classes of the codes for colours and weights (SGR) that the program uses."""

STYLE = f"""\
svg {{ {variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ svg {{ {variables(DARK)} }} }}
text {{ font: 14px {MONO}; fill: var(--text); white-space: pre }}
.panel {{ fill: var(--back); stroke: var(--line) }}
.button {{ fill: var(--line) }}
.bold {{ font-weight: 700 }}
.line {{ animation: appear 0.01s both }}
.typed {{ animation-name: type }}
@keyframes appear {{ from {{ opacity: 0 }} }}
@keyframes type {{ from {{ clip-path: inset(0 100% 0 0) }} }}
@media (prefers-reduced-motion: reduce) {{ .line {{ animation: none }} }}
""" + "".join(f".{name} {{ fill: var(--{name}) }}\n" for name in ("faint", "blue", "green", "orange", "red"))
"""Without animation, and at its end, everything is shown."""


class Line(NamedTuple):
    """A line on the screen: its text with terminal codes, and whether the user types it after a prompt."""

    text: str
    is_typed: bool = False


def record() -> list[Line]:
    """Run the commands, and return the lines on the screen."""
    # The other directories of PATH would decide which clients of the user are found.
    path = os.path.dirname(EXECUTABLE)
    with FakeECR(unique=False) as api, tempfile.TemporaryDirectory() as home, isolated(api, home):
        with patch.dict(os.environ, {"PATH": path}):
            os.environ.pop("NO_COLOR", None)
            answers = [("Apply these changes?", "y")]
            session = converse("configure", HOST, answers=answers, columns=COLUMNS, program=PATIENT)
            reply = subprocess.run(
                [EXECUTABLE, "get"], input=HOST, capture_output=True, check=True, text=True
            )
        if session.status != 0 or len(api.calls) != 1:
            raise RuntimeError(f"exit status {session.status}, {len(api.calls)} calls:\n{session.screen}")
    return [
        Line(f"{NAME} configure {HOST}", is_typed=True),
        *(Line(line.rpartition(PROGRESS)[2]) for line in session.screen.split("\n")[:-1]),
        Line(""),
        Line("\x1b[2m# docker pull runs this:\x1b[0m"),
        Line(f"echo {HOST} | {NAME} get | cut -c 1-{CUT}", is_typed=True),
        Line(reply.stdout[:CUT]),
    ]


def draw(lines: list[Line]) -> str:
    """Return the lines as an animated picture of a terminal."""
    body = [f'<circle class="button" cx="{LEFT + 6 + 20 * place}" cy="22" r="6"/>' for place in range(3)]
    time = PAUSE
    for number, line in enumerate(lines):
        y = TOP + LINE * number
        if line.is_typed:
            seconds = TYPING * len(line.text)
            steps = (
                f"animation-duration: {seconds:.2f}s; animation-timing-function: steps({len(line.text)}, end)"
            )
            body.append(shown(LEFT, y, time, "$", "line faint"))
            body.append(shown(LEFT + 17, y, time, escape(line.text), "line typed bold", f"; {steps}"))
            time += seconds + PAUSE
        elif line.text:
            body.append(shown(LEFT, y, time, spans(line.text), "line"))
            time += PAUSE if line.text.startswith(("Apply", "Next")) else STEP
    title = f"A terminal: {NAME} configure, then the login that docker pull gets"
    return svg(WIDTH, TOP + LINE * len(lines), title, *body, style=STYLE)


def shown(x: int, y: int, time: float, content: str, classes: str, style: str = "") -> str:
    """Return a text that appears after some seconds."""
    style = f"animation-delay: {time:.2f}s{style}"
    return f'<text class="{classes}" x="{x}" y="{y}" style="{style}">{content}</text>'


def spans(text: str) -> str:
    """Return a line with terminal codes as SVG."""
    parts = re.split(r"\x1b\[(\d*)m", text)
    found = [escape(parts[0], quote=False)]
    for code, part in zip(parts[1::2], parts[2::2], strict=True):
        content = escape(part, quote=False)
        if code in {"", "0"} or not part:
            found.append(content)
        else:
            found.append(f'<tspan class="{CLASSES[code]}">{content}</tspan>')
    return "".join(found)


def main() -> int:
    """Write the recording; return the exit status."""
    RECORDING.write_text(draw(record()), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
