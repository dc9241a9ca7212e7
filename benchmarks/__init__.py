"""``make bench``: how fast the helper is, as ratios to another command that runs in turn with it.

Times depend on the machine, and on a shared one they drift, so no benchmark has a limit to pass. Each row
runs two commands A B A B … after a warm-up, and reports the median of the ratios of the pairs, with the
middle half of the pairs. Every output is checked, and where no call to AWS is allowed, the calls are counted:
wrong output or an unexpected call ends the run.

Everything runs on loopback, in temporary home directories, against ``FakeECR`` and ``FakeSTS``. As root on
Linux, it runs in separate namespaces, in which the fakes also have the host names of AWS: there is no other
way to make Amazon's helper call them. Without root, the table says that these rows were not measured.
"""
