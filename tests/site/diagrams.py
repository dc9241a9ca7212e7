"""Draw the diagrams in ``docs/images``.

    python -m tests.site.diagrams

Times and imports come from the code. A test checks that the files are up to date.
"""

from __future__ import annotations

from collections.abc import Callable

from ecr_credhelper.fetch.deadline import DEADLINE
from ecr_credhelper.token import HOUR, LIFETIME, REFRESH_AHEAD, RETRY, WAIT_FOR_REFRESH
from tests.site.drawing import HEAD, box, path, svg, text
from tests.site.pages import ROOT
from tests.test_structure import LAYERS, imports, modules

IMAGES = ROOT / "docs/images"
WIDTH = 860

ACTORS = {
    "Docker": 80,
    "helper": 280,
    "cache": 450,
    "AWS": 620,
    "registry": 780,
}
"""The participants of a get, and the horizontal positions of their lines."""

DIRECTORIES = {
    "cli": "the commands for users",
    "kubelet": "a credential provider for the kubelet",
    "doctor": "the checks of the doctor command",
    "library": "get_credentials, CredentialProvider",
    "fetch": "a cache miss: settings, lock, deadline",
    "docker": "configuration files of Docker and podman",
    "aws": "a token from AWS, and causes of failures",
    "settings": "the settings file",
    "console": "terminal, layout, log",
    "testing": "the fake API, for tests of programs",
}
"""What each directory contains, as in ``docs/explanation/architecture.md``."""


def how_a_get_works() -> str:
    """Return a sequence diagram of ``docker pull``."""
    labels = {"helper": "docker-credential-ecr-py", "AWS": "AWS (ECR API)"}
    bottom = 560
    body = [HEAD]
    for actor, x in ACTORS.items():
        label = labels.get(actor, actor)
        half = 3.9 * len(label) + 14
        body.append(path("rule dashed", (x, 54), (x, bottom)))
        body.append(box(x - half, 20, 2 * half, 34))
        body.append(text(x, 42, label, "bold middle"))

    def message(y: int, start: str, end: str, label: str) -> None:
        body.append(text((ACTORS[start] + ACTORS[end]) / 2, y - 7, label, "middle halo"))
        body.append(path("arrow", (ACTORS[start], y), (ACTORS[end], y)))

    def step(y: int, label: str, more: str) -> None:
        x = ACTORS["helper"]
        body.append(box(x - 130, y, 400, 46))
        body.append(text(x - 118, y + 19, label))
        body.append(text(x - 118, y + 37, more, "faint"))

    def frame(y: int, height: int, label: str, classes: str) -> None:
        body.append(box(ACTORS["helper"] - 150, y, 560, height, "rule"))
        body.append(text(ACTORS["helper"] - 138, y + 20, label, f"bold halo {classes}"))

    message(90, "Docker", "helper", "get, with the host name")
    step(
        106,
        "Parse the host name: account, region, partition",
        "Other hosts: a fallback helper, or “credentials not found”",
    )
    step(162, "Identify the AWS credentials in use", "Environment and file contents, without calling AWS")
    message(238, "helper", "cache", "a token for this identity?")
    frame(256, 60, "valid token: no AWS call", "green")
    message(302, "cache", "helper", "token")
    frame(326, 142, "no valid token: one process calls AWS, others wait for it", "orange")
    message(378, "helper", "AWS", "GetAuthorizationToken, signed with your credentials")
    message(416, "AWS", "helper", "token, valid for 12 hours")
    message(454, "helper", "cache", "save the token")
    message(504, "helper", "Docker", "user name AWS, password")
    message(542, "Docker", "registry", "pull, with this login")
    return svg(WIDTH, bottom + 20, "How a get works: from docker pull to the cache or AWS, and back", *body)


def token_life() -> str:
    """Return a time line of a token, with what a get does in each part of it."""
    left, right, y, height = 30, WIDTH - 110, 84, 28
    refresh, wait = LIFETIME * (1 - REFRESH_AHEAD), LIFETIME - WAIT_FOR_REFRESH
    minutes = WAIT_FOR_REFRESH // 60

    def x(seconds: float) -> float:
        return left + (right - left) * seconds / LIFETIME

    body: list[str] = []

    def part(start: float, end: float, colour: str) -> None:
        body.append(
            f'<rect class="{colour}" x="{start:g}" y="{y}" width="{end - start:g}" height="{height}"/>'
        )

    def note(at: float, line_y: int, colour: str, title: str, meaning: str) -> None:
        body.append(path("stem", (at, y + height), (at, line_y - 4), (at - 8, line_y - 4)))
        label = f'<tspan class="bold {colour}">{title}</tspan> <tspan class="faint">{meaning}</tspan>'
        body.append(f'<text class="end" x="{at - 14:g}" y="{line_y}">{label}</text>')

    part(x(0), x(refresh) - 2, "green")
    body.append(text(x(0), y - 32, "Served from the cache", "bold green"))
    body.append(text(x(0), y - 14, "no AWS call", "faint"))
    part(x(refresh), x(wait) - 2, "blue")
    body.append(text(x(refresh), y - 32, "Served, and refreshed in the background", "bold blue"))
    body.append(text(x(refresh), y - 14, f"at most one attempt every {RETRY // 60} minutes", "faint"))
    part(x(wait), right - 2, "orange")
    body.append(box(right, y, WIDTH - 30 - right, height, "rule dashed"))
    for seconds in range(0, LIFETIME, 3 * HOUR):
        body.append(path("stem", (x(seconds), y + height), (x(seconds), y + height + 7)))
        body.append(text(x(seconds), y + height + 22, f"{seconds // HOUR} h", "middle" if seconds else ""))
    waits = "a get waits for a new token; if AWS fails, it serves the old one"
    note((x(wait) + right) / 2 - 1, y + height + 52, "orange", f"Last {minutes} minutes:", waits)
    expired = f"a get waits for a new token, or fails with the reason within {DEADLINE:.0f} seconds"
    note(
        (right + WIDTH - 30) / 2,
        y + height + 82,
        "red",
        f"Expired after {LIFETIME // HOUR} h, never served:",
        expired,
    )
    return svg(WIDTH, 214, "A token's life: when a get serves, refreshes and replaces it", *body)


def edges() -> set[tuple[str, str]]:
    """Return which directory imports from which other one."""
    return {
        (source, target)
        for module in modules()
        for name in imports(module)
        if (source := module.partition(".")[0]) in LAYERS
        and (target := name.partition(".")[0]) in LAYERS
        and source != target
    }


def directories() -> str:
    """Return a matrix of the imports between the directories of the package, from top to bottom."""
    left, right, top, row, column = 24, 396, 52, 38, 63
    found = edges()
    imported = [name for name in LAYERS if any(target == name for _, target in found)]
    columns = {name: right + column * (place + 0.5) for place, name in enumerate(imported)}
    rows = {name: top + row * (place + 0.5) for place, name in enumerate(LAYERS)}
    bottom = top + row * len(rows)
    body = [text(left + 14, top - 16, "this directory …", "faint")]
    body.append(text(right - 14, top - 16, "… imports from", "faint end"))
    for name, x in columns.items():
        body.append(text(x, top - 16, name, "mono bold middle"))
        body.append(path("rule", (x - column / 2, top), (x - column / 2, bottom)))
        body.append(box(x - column / 2 + 4, rows[name] - row / 2 + 4, column - 8, row - 8))
    for name, y in rows.items():
        body.append(path("rule", (left, y - row / 2), (WIDTH - left, y - row / 2)))
        body.append(text(left + 14, y + 5, f"{name}/", "mono bold"))
        body.append(text(right - 14, y + 5, DIRECTORIES[name], "faint end"))
    body.append(path("rule", (left, bottom), (WIDTH - left, bottom)))
    for source, target in sorted(found):
        body.append(f'<circle class="blue" cx="{columns[target]:g}" cy="{rows[source]:g}" r="6"/>')
    notes = (
        "Every dot is to the right of the diagonal: imports point downwards.",
        "Every directory can import from the root, the warm path of a get.",
        "The root imports from directories only inside functions.",
    )
    body += [text(left + 14, bottom + 28 + 21 * line, note) for line, note in enumerate(notes)]
    title = "The directories of the package and the imports between them"
    return svg(WIDTH, bottom + 28 + 21 * len(notes), title, *body)


DIAGRAMS: dict[str, Callable[[], str]] = {
    "how-a-get-works.svg": how_a_get_works,
    "token-life.svg": token_life,
    "directories.svg": directories,
}


def main() -> None:
    """Write all diagrams."""
    IMAGES.mkdir(exist_ok=True)
    for name, draw in DIAGRAMS.items():
        (IMAGES / name).write_text(draw(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
