"""Takes datasets out of a store, and says what was loaded into it and taken out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pharmagraph.ingest import datasets as source
from pharmagraph.ingest.datasets import Removal
from pharmagraph.ingest.read_and_load import Where, _open
from pharmagraph.kg import arguments
from pharmagraph.kg import history as recorded
from pharmagraph.kg.errors import NotFoundError


def remove(store: Where, datasets: str | Sequence[str]) -> Removal:
    """Take datasets out of a graph, all or nothing.

    Their edges, similarities and profiles go, and of their nodes those that no other dataset brought or refers to.
    Properties of nodes that stay are kept.

    Parameters
    ----------
    store
        Open for writing, or a URL.
    datasets
        Ids, or one id.

    Raises
    ------
    NotFoundError
        If the graph has no such dataset; the message names those there are.
    InputError
        If a dataset is left that is part of one of them, and would lose its omics and similarities.
    """
    ids = [datasets] if isinstance(datasets, str) else list(datasets)
    arguments.texts("datasets", ids)
    with _open(store, create=False) as graph:
        return source.remove(graph, ids)


def history(store: Where, dataset: str | None = None) -> list[dict[str, Any]]:
    """Every load and removal that changed a graph, oldest first.

    Parameters
    ----------
    store
        Open, or a URL.
    dataset
        Lines of this dataset alone.

    Returns
    -------
    list of dict
        ``at``, ``action``, ``datasets``, ``source``, ``version``, ``sha256``, ``program``, and ``changes``: kind →
        numbers of rows ``inserted``, ``updated``, ``removed``, and ``gone`` from the source but left in.

    Raises
    ------
    NotFoundError
        If the graph never had such a dataset.
    """
    with _open(store, read_only=True) as graph:
        rows = recorded.entries(graph)
    if dataset is None:
        return rows
    known = list(dict.fromkeys(one for row in rows for one in row["datasets"]))
    if dataset not in known:
        raise NotFoundError("dataset", dataset, known, f"there were {', '.join(known) or 'none'}")
    return [row for row in rows if dataset in row["datasets"]]
