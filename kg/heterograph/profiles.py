"""What was measured of cell lines as tables of cell lines by genes: from whole profiles, or else from edges.

Profiles are features of the nodes CellLine, named as their kinds are in `kg.schema.PROFILES`, with a column a gene, or
a column for each other feature of the layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pharmagraph.kg.heterograph.container import EdgeType, Heterograph, Relation
from pharmagraph.kg.layers import layer
from pharmagraph.kg.profiles import Profiles
from pharmagraph.kg.schema import PROFILES


def known(heterograph: Heterograph, kind: str) -> Tensor:
    """All values of one kind, float32 (n_cell_lines, n_genes), NaN where not known.

    They are the graph's profiles. If it has none of this kind, they are the means over datasets of the edges' values.

    Parameters
    ----------
    kind
        A key of `kg.schema.PROFILES`.
    """
    profile = heterograph.profiles.get(kind)
    if profile is not None:
        return profile
    type_, name = PROFILES[kind]
    mean = _Mean((heterograph.n_nodes("CellLine"), heterograph.n_nodes("Gene")))
    relation = heterograph.relations.get(("CellLine", type_, "Gene"))
    if relation is not None and len(relation):
        mean.add_edges(relation, name)
    return mean.result()


def of_cell_lines(
    profiles: Sequence[Profiles],
    relations: Mapping[EdgeType, Relation],
    ids: Mapping[str, npt.NDArray[np.object_]],
    datasets: Sequence[str],
) -> dict[str, Tensor]:
    """Features of the nodes CellLine, a table for each kind of which there are profiles.

    A value is the mean over datasets. Datasets without profiles of a kind take part with their edges, as they do where
    there are no profiles at all.

    Parameters
    ----------
    profiles
        Of any cell lines and genes; those that are not among ``ids`` are left out.
    relations
        Of the graph, with the feature ``dataset``.
    ids, datasets
        As `Heterograph` has them.
    """
    row, column = (_positions(ids[kind]) for kind in ("CellLine", "Gene"))
    found = {}
    for kind, (type_, name) in PROFILES.items():
        of_kind = [p for p in profiles if p.kind == kind]
        if not of_kind:
            continue
        columns = column
        if layer(kind).features != "Gene":  # no nodes of the graph: the profiles' own, in order
            columns = _positions(sorted({feature for one in of_kind for feature in one.genes}))
        mean = _Mean((len(row), len(columns)))
        for one in of_kind:
            mean.add_table(one, row, columns)
        relation = relations.get(("CellLine", type_, "Gene"))
        if relation is not None:
            whole = torch.tensor([n for n, d in enumerate(datasets) if any(d == p.dataset for p in of_kind)])
            mean.add_edges(relation.take(~torch.isin(relation.features["dataset"], whole)), name)
        found[kind] = mean.result()
    return found


class _Mean:
    """The mean over datasets of the values of each cell line and gene."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._total, self._count = np.zeros(shape, np.float32), np.zeros(shape, np.float32)

    def add_table(self, table: Profiles, row: Mapping[str, int], column: Mapping[str, int]) -> None:
        rows = [n for n, id_ in enumerate(table.cell_lines) if id_ in row]
        columns = [n for n, id_ in enumerate(table.genes) if id_ in column]
        at = np.ix_([row[table.cell_lines[n]] for n in rows], [column[table.genes[n]] for n in columns])
        values = table.values[np.ix_(rows, columns)]
        finite = np.isfinite(values)
        self._total[at] += np.where(finite, values, 0)
        self._count[at] += finite

    def add_edges(self, relation: Relation, name: str) -> None:
        values = relation.features[name].float().numpy()
        finite = np.isfinite(values)
        at = (relation.src.numpy()[finite], relation.dst.numpy()[finite])
        np.add.at(self._total, at, values[finite])
        np.add.at(self._count, at, 1)

    def result(self) -> Tensor:
        mean = np.full_like(self._total, np.nan)
        np.divide(self._total, self._count, out=mean, where=self._count > 0)
        return torch.from_numpy(mean)


def _positions(ids: npt.NDArray[np.object_]) -> dict[str, int]:
    return {str(id_): n for n, id_ in enumerate(ids)}
