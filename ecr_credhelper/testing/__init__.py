"""For the tests of programs that use this library: a fake of Amazon ECR, and a pytest fixture.

With ``pytest_plugins = ["ecr_credhelper.testing.plugin"]`` in ``conftest.py``, tests can use ``fake_ecr``.
Without pytest, use ``FakeECR`` and ``isolated``:

    with FakeECR() as api, isolated(api, directory):
        ...
"""

from ecr_credhelper.testing.fake_ecr import Call, FakeECR, Fault
from ecr_credhelper.testing.isolation import isolated

__all__ = ["Call", "FakeECR", "Fault", "isolated"]
