"""The result of a source, which the loader writes: node and edge tables, dataset cards and rejected rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from pharmagraph.ingest.rejections import Rejected
from pharmagraph.kg.profiles import Profiles
from pharmagraph.kg.schema import Ends


@dataclass(frozen=True)
class DatasetCard:
    """Source, version and terms of a dataset: the properties of its Dataset node.

    Parameters
    ----------
    id
        Key of the node, which every edge of the dataset names.
    version, source, licence, citation, sha256
        Properties of `kg.schema`; ``source`` names files or packages, never a path on this machine.
    part_of
        Id of the dataset that holds its omics and similarities.
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
    """Everything that one load writes.

    Parameters
    ----------
    name
        Name of the load in the report, and of the file of rejected rows.
    datasets
        One card for every ``dataset`` value on the edges; written last.
    nodes
        Label → table with columns of `kg.schema`.
    edges
        (type, ends) → table with columns of `kg.schema`.
    rejected
        Rows that were left out, with the reasons.
    notes
        Sentences for the report, such as names that could not be matched.
    profiles
        Every measured value of the kinds of which edges hold a part; one item a dataset and kind.
    """

    name: str
    datasets: tuple[DatasetCard, ...]
    nodes: Mapping[str, pa.Table]
    edges: Mapping[tuple[str, Ends], pa.Table]
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = field(default=())
    profiles: tuple[Profiles, ...] = ()
