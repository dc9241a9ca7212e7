"""``python -I -S peak.py COMMAND...``: run a command, then print its peak memory on standard error.

It imports nothing but built-in modules, to stay smaller than any Python program that it starts.
"""

import posix
import sys

pid = posix.posix_spawn(sys.argv[1], sys.argv[1:], posix.environ)
_, status, usage = posix.wait4(pid, 0)
print(usage.ru_maxrss, file=sys.stderr)
sys.exit(status != 0)
