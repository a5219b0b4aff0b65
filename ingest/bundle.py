"""What a source hands to the loader: node and edge tables, dataset cards and rejected rows; it checks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from pharmagraph.ingest.rejections import Rejected
from pharmagraph.kg.schema import Ends


@dataclass(frozen=True)
class DatasetCard:
    """Where a dataset comes from; the properties of its Dataset node.

    Parameters
    ----------
    id
        Key of the node, carried by every edge.
    version, source, licence, citation, sha256
        As in `kg.schema`; ``source`` names files or packages, never a machine's path.
    part_of
        The dataset that holds its omics and similarities.
    """

    id: str
    source: str
    version: str | None = None
    licence: str | None = None
    citation: str | None = None
    sha256: str | None = None
    part_of: str | None = None


@dataclass(frozen=True)
class Bundle:
    """Everything that one load sends.

    Parameters
    ----------
    name
        What the report calls it, and the name of the file of rejected rows.
    datasets
        One card for every ``dataset`` value on its edges; written last.
    nodes
        Label → table in columns of `kg.schema`.
    edges
        (type, ends) → table in columns of `kg.schema`.
    rejected
        What was left out, and why.
    notes
        Sentences for the report, such as names that could not be matched.
    """

    name: str
    datasets: tuple[DatasetCard, ...]
    nodes: Mapping[str, pa.Table]
    edges: Mapping[tuple[str, Ends], pa.Table]
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = field(default=())
