"""Estimates what filling a store with edges takes of disk and memory, and refuses where there is less; opens nothing.

The figures of an edge are rounded up from measurements (`python -m benchmarks.scale`, docs/scale.md).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pharmagraph.kg.errors import StoreFullError, bytes_said
from pharmagraph.kg.ladybug.file import BUFFER_POOL

DISK_OF_EDGE = 40
"""Bytes of the file for an edge while it is written: with the table that its COPY is about to replace."""
MEMORY_OF_EDGE = 150
"""Bytes that the engine holds for each edge of the largest kind when it rewrites the kind's table."""
MEMORY_OF_COPY = 450
"""Bytes for each edge of a COPY, those of its Arrow table among them."""
OF_NODE = 2_000
"""Bytes for a node, of disk and of memory: its texts, and the hidden variables of a generator."""
OF_PROCESS = 400_000_000
"""Bytes of a process that has loaded the libraries and opened a store."""

_GROUP = Path("/sys/fs/cgroup")
_MEMORY = Path("/proc/meminfo")


@dataclass(frozen=True)
class Needs:
    """Edges and nodes of a load, and the bytes of disk and memory that it takes."""

    edges: int
    nodes: int
    disk: int
    memory: int


def needs(about: Mapping[str, float], nodes: int, *, at_once: int) -> Needs:
    """What filling takes.

    Parameters
    ----------
    about
        Edge type → approximate number of edges.
    nodes
        Number of nodes of all kinds.
    at_once
        Edges of the largest COPY.
    """
    edges, largest = int(sum(about.values())), int(max(about.values(), default=0))
    pages = min(BUFFER_POOL, edges * DISK_OF_EDGE)
    memory = OF_PROCESS + pages + largest * MEMORY_OF_EDGE + min(at_once, largest) * MEMORY_OF_COPY
    return Needs(edges, nodes, edges * DISK_OF_EDGE + nodes * OF_NODE, memory + nodes * OF_NODE)


def require(needed: Needs, folder: Path) -> None:
    """Refuse a load for which the disk of a folder or the memory has too little left.

    Raises
    ------
    StoreFullError
        With the estimate, and what there is.
    """
    what = f"{needed.edges:,} edges and {needed.nodes:,} nodes need about"
    free = shutil.disk_usage(folder).free
    if needed.disk > free:
        raise StoreFullError(
            f"{what} {bytes_said(needed.disk)} of disk, and {folder} has {bytes_said(free)}; nothing was written. "
            "Give a smaller size, or a store on another disk"
        )
    left = memory_left()
    if left is not None and needed.memory > left:
        raise StoreFullError(
            f"{what} {bytes_said(needed.memory)} of memory, and {bytes_said(left)} are left; nothing was written. "
            "Give a smaller size, or a machine with more memory"
        )


def memory_left() -> int | None:
    """Bytes of memory that this process may still take, of the machine or its container; None if nothing says so."""
    found = []
    if _MEMORY.exists():
        lines = dict(line.split(":", 1) for line in _MEMORY.read_text().splitlines() if ":" in line)
        found.append(int(lines["MemAvailable"].split()[0]) * 1024)
    elif "SC_PHYS_PAGES" in os.sysconf_names:
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    limit, used = _GROUP / "memory.max", _GROUP / "memory.current"
    if limit.exists() and used.exists() and (most := limit.read_text().strip()) != "max":
        found.append(int(most) - int(used.read_text()))
    return min(found, default=None)
