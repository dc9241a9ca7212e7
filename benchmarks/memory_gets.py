"""``memory_gets.py WORK``: repeat one kind of work in one process, and print the password.

- ``parse``: parse a registry's host, as a measure of this machine.
- a number: get credentials from the memory of one ``CredentialProvider`` in this number of threads.
"""

import sys
import threading

from ecr_credhelper import CredentialProvider
from ecr_credhelper.registry import parse

HOST = "111122223333.dkr.ecr.us-west-2.amazonaws.com"

TIMES = 256_000
"""Number of repetitions in all threads together: half a second, so that the start of Python hardly counts."""


def main(work: str) -> None:
    with CredentialProvider() as provider:
        print(provider.get_credentials(HOST).password)
        function, threads = (parse, 1) if work == "parse" else (provider.get_credentials, int(work))

        def repeat() -> None:
            for _ in range(TIMES // threads):
                function(HOST)

        running = [threading.Thread(target=repeat) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()


if __name__ == "__main__":
    main(sys.argv[1])
