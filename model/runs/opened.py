"""The arrays of the runs that were asked about last, kept open, so that one page after the other reads them once."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from pharmagraph.kg.heterograph.arrays import NODES, TENSORS, SavedArrays
from pharmagraph.model.predictor import Predictor
from pharmagraph.model.predictor.predictor import FILE, GENE_ATTENTION
from pharmagraph.model.runs.folder import CONFIG, GRAPH, checked, reading

KEPT = 2
"""Runs that are kept; a run of GDSC1 takes some 200 MB."""

Opened = tuple[SavedArrays, Predictor | None]

_kept: dict[tuple[object, ...], Opened] = {}
_lock = Lock()


def opened(folder: Path) -> Opened:
    """A run's graph and predictor, None where its components cannot do without the network.

    They are read anew when a file of the folder has changed. What is in them is not to be changed.

    Raises
    ------
    ModelError
        If the run cannot be loaded.
    """
    checked(folder)
    files = (
        folder / CONFIG,
        folder / FILE,
        folder / GENE_ATTENTION,
        folder / GRAPH / TENSORS,
        folder / GRAPH / NODES,
    )
    key = (folder.absolute(), *map(_stamp, files))
    with _lock:
        found = _kept.pop(key, None)
        if found is None:
            with reading(folder / GRAPH):
                graph = SavedArrays(folder / GRAPH)
            found = graph, Predictor.of(folder, graph)
        _kept[key] = found
        while len(_kept) > KEPT:
            del _kept[next(iter(_kept))]
    return found


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns
