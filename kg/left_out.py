"""Imports a library without the optional packages that it would load at once and that are not needed here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def left_out(*packages: str) -> Iterator[None]:
    """A context in which these packages cannot be imported, unless they have been.

    Parameters
    ----------
    packages
        Names of packages at the top level, such as ``pandas``. Afterwards they can be imported as ever.
    """
    absent = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type] # None: Python raises ImportError
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
