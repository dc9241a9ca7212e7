"""``make docs``: build the site into ``build/site`` in strict mode, and check every page of it."""

from __future__ import annotations

import shutil
import subprocess
import sys

from tests.site.check import problems
from tests.site.pages import ROOT, prepare

SOURCE = ROOT / "build/docs"
SITE = ROOT / "build/site"


def main() -> int:
    """Build the site; return the exit status."""
    for directory in (SOURCE, SITE):
        shutil.rmtree(directory, ignore_errors=True)
    prepare(SOURCE)
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean"], check=False, cwd=ROOT
    )
    if done.returncode:
        return done.returncode
    found = problems(SITE)
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        return 1
    print(f"{len([*SITE.rglob('*.html')])} pages in {SITE.relative_to(ROOT)}; to read them with search, run:")
    print(f"  python3 -m http.server --bind 127.0.0.1 --directory {SITE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
