"""``make bench``: how fast the helper is, as ratios against something run in turn beside it.

Times of one machine say little, and on a shared one they drift; so nothing here is a limit to pass.
Each row runs two commands A B A B …, after a warm-up, and gives the median of the ratios of the pairs
with the middle half of them. Every single answer is checked, and where no call to AWS may happen the
calls are counted: a wrong answer or a call too many ends the run.

Everything happens on loopback, in throw-away homes, against ``FakeECR`` and ``FakeSTS``.
As root on Linux it happens in namespaces of its own, where the fakes also stand under AWS's names:
Amazon's own helper can be led to them in no other way. Without root those rows say so.
"""
