"""The heterograph itself: ids and features of nodes, and a relation for every edge type. It trains nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from pharmagraph.kg.errors import ShapeError
from pharmagraph.kg.layers import layer
from pharmagraph.kg.schema import PROFILES

EdgeType = tuple[str, str, str]
"""(kind of the source, TYPE, kind of the destination), such as ``("Drug", "TARGETS", "Gene")``."""


@dataclass(frozen=True)
class Relation:
    """All edges of one type. An edge is a position: ends and features stand in the same order.

    Attributes
    ----------
    src, dst
        Node numbers, int64 (n_edges,).
    features
        Name → values, (n_edges, …).

    Raises
    ------
    ShapeError
        If ends or features differ in length.
    """

    src: Tensor
    dst: Tensor
    features: Mapping[str, Tensor]

    def __post_init__(self) -> None:
        for name, values in {"dst": self.dst, **self.features}.items():
            if len(values) != len(self.src):
                raise ShapeError(f'a relation of {len(self.src)} edges has {len(values)} values of "{name}"')

    def __len__(self) -> int:
        return len(self.src)

    def take(self, rows: Tensor) -> Relation:
        """The edges at some positions, or where a mask is true."""
        return Relation(self.src[rows], self.dst[rows], {k: v[rows] for k, v in self.features.items()})

    def with_features(self, features: Mapping[str, Tensor]) -> Relation:
        """The same edges with some features replaced or added."""
        return replace(self, features={**self.features, **features})

    def append(self, src: Tensor, dst: Tensor, features: Mapping[str, Tensor]) -> Relation:
        """More edges at the end, which need every feature that the relation has."""
        longer = {name: torch.cat([values, features[name]]) for name, values in self.features.items()}
        return Relation(torch.cat([self.src, src]), torch.cat([self.dst, dst]), longer)


@dataclass(frozen=True)
class Heterograph:
    """Nodes of several kinds, the edges between them, and the names of both.

    Edges stand as the store has them, in one direction; symmetric ones once.

    Attributes
    ----------
    ids
        Kind → ids in node order, str objects (n,). `export` gives Drug, CellLine, Gene and Pathway.
    nodes
        Kind → name of a feature → values, (n, …). Drug: ``fingerprint`` uint8 (n, 2048), the other views of
        `kg.fingerprints.FINGERPRINTS`, ``scaffold`` int64 (n,), -1 without rings, ``has_structure`` bool (n,).
        CellLine: ``tissue`` int64 (n,), -1 where unknown; and each layer of `kg.layers` of which the store has
        profiles, such as ``expression`` (z), ``copy_number`` (as the source gives it) and ``dependency`` (gene effect),
        float32 (n, n_genes), or with a column for each other feature of the layer, NaN where not measured. Gene:
        ``expression_mean`` and ``expression_deviation`` float32 (n,) in the unit of the source, NaN where missing.
    relations
        Edge type → its edges. Features: SIMILAR_TO ``similarity``, EXPRESSES ``z`` (standard deviations), MUTATED,
        COPY_NUMBER and METHYLATED ``value``, TESTED_ON ``ln_ic50`` (ln µmol/l) and ``auc``, all float32 (n_edges,)
        with NaN where missing; TESTED_ON ``response`` int8 (n_edges,), -1 where missing, and where any is censored
        ``censored`` int8 (n_edges,), 1 where the true value is above ``ln_ic50``, -1 where it is below; every relation
        ``dataset`` int64 (n_edges,).
    datasets
        Ids of the datasets; the code in ``dataset`` is the position here.
    tissues
        Names of the tissues; the code in ``tissue`` is the position here.

    Raises
    ------
    ShapeError
        If a feature has other than one value a node, or an edge ends at a node that is not there.
    """

    ids: Mapping[str, npt.NDArray[np.object_]]
    nodes: Mapping[str, Mapping[str, Tensor]]
    relations: Mapping[EdgeType, Relation]
    datasets: tuple[str, ...]
    tissues: tuple[str, ...]

    def __post_init__(self) -> None:
        for kind, features in self.nodes.items():
            for name, values in features.items():
                if len(values) != self.n_nodes(kind):
                    raise ShapeError(
                        f'{self.n_nodes(kind)} nodes {kind} have {len(values)} values of "{name}"'
                    )
        for name, profile in self.profiles.items():
            if layer(name).features == "Gene" and profile.shape[1:] != (self.n_nodes("Gene"),):
                raise ShapeError(
                    f'"{name}" of {tuple(profile.shape)} has no column for each of the {self.n_nodes("Gene")} genes'
                )
        for edge_type, relation in self.relations.items():
            for kind, end in ((edge_type[0], relation.src), (edge_type[2], relation.dst)):
                if len(end) and not (int(end.min()) >= 0 and int(end.max()) < self.n_nodes(kind)):
                    raise ShapeError(
                        f"{'-'.join(edge_type)} has an end beyond the {self.n_nodes(kind)} nodes {kind}"
                    )

    @property
    def profiles(self) -> dict[str, Tensor]:
        """Kind of profile → values of every cell line and gene; `kg.heterograph.profiles.known` reads edges, too."""
        features = self.nodes.get("CellLine", {})
        return {kind: features[kind] for kind in PROFILES if kind in features}

    def n_nodes(self, kind: str) -> int:
        """Number of nodes of a kind."""
        return len(self.ids[kind])

    def names(self, kind: str, numbers: npt.NDArray[np.integer]) -> pa.Array:
        """The ids of nodes given by number, as strings."""
        return pa.array(self.ids[kind].tolist(), pa.string()).take(pa.array(numbers))

    def fingerprint(self) -> str:
        """A hash of structure, features of edges, profiles and ids: equal graphs, equal text."""
        digest = hashlib.sha256()
        for kind in sorted(self.ids):
            digest.update("\0".join(map(str, self.ids[kind])).encode())
        for edge_type, relation in sorted(self.relations.items()):
            digest.update(repr(edge_type).encode())
            features = (relation.features[name] for name in sorted(relation.features))
            for values in (relation.src, relation.dst, *features):
                digest.update(values.numpy().tobytes())
        for name, profile in self.profiles.items():
            digest.update(name.encode())
            digest.update(profile.numpy().tobytes())
        return digest.hexdigest()[:16]

    def with_features(self, kind: str, features: Mapping[str, Tensor]) -> Heterograph:
        """The same graph with some features of a kind of nodes replaced or added."""
        return replace(self, nodes={**self.nodes, kind: {**self.nodes.get(kind, {}), **features}})

    def without_features(self, kind: str, names: Collection[str]) -> Heterograph:
        """The same graph without some features of a kind of nodes; it may lack them."""
        left = {name: values for name, values in self.nodes[kind].items() if name not in names}
        return replace(self, nodes={**self.nodes, kind: left})

    def with_relation(self, edge_type: EdgeType, relation: Relation) -> Heterograph:
        """The same nodes with one relation replaced or added."""
        return replace(self, relations={**self.relations, edge_type: relation})

    def with_node(self, kind: str, id_: str, features: Mapping[str, Tensor]) -> Heterograph:
        """The graph with one more node, without edges, after the others of its kind.

        ``features`` holds a row, (1, …), for every feature that the kind has.
        """
        longer = {name: torch.cat([rows, features[name]]) for name, rows in self.nodes[kind].items()}
        ids = {**self.ids, kind: np.append(self.ids[kind], id_)}
        return replace(self, ids=ids, nodes={**self.nodes, kind: longer})
