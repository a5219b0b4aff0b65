"""One thread for matrix products whose last digits decide something: with more threads these digits are others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """NumPy's and SciPy's linear algebra on one thread within the block, or within a function that it decorates."""
    with threadpool_limits(1, user_api="blas"):
        yield
