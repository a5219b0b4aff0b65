"""Keeps files from becoming descriptors 0 to 2; it imports no module that could open a file.

Where standard error is closed (`2>&-`, some schedulers), the next file to be opened becomes descriptor 2. A C++
library that aborts then writes its error message into that file.
"""

from __future__ import annotations

import os

STANDARD = (0, 1, 2)


def fill_standard() -> None:
    """Open the null device on each of descriptors 0 to 2 that is closed; child processes inherit it.

    It takes the descriptors that the system returns and never a fixed number, since another thread may open a file
    meanwhile.
    """
    if all(_is_open(descriptor) for descriptor in STANDARD):
        return
    while (descriptor := os.open(os.devnull, os.O_RDWR)) in STANDARD:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
