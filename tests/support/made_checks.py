"""Checks with words of a test's own: the product takes those of its checks from `words/checks.json`."""

from functools import partial

from authlens_core.values.check import Severity, judged

passed = partial(judged, Severity.PASS)
warned = partial(judged, Severity.WARNING)
failed = partial(judged, Severity.FAILURE)
