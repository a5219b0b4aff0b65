"""Profiles of cell lines as arrays, and as rows of OmicsProfile and GenePanel; it opens no store and trains nothing.

Values are packed into a text. The embedded engine (0.22.0) has lists of floats, but loses some of their values when a
small table is appended to another; and such a list takes Neo4j eight times as long to write.

A panel's id holds a hash of its genes. So values always stand in the order of the panel that their row names, even
while a load replaces both.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.kg.errors import ShapeError
from pharmagraph.kg.profile_kinds import GENE_PANEL, OMICS_PROFILE
from pharmagraph.kg.schema import arrow_schema
from pharmagraph.kg.store import GraphStore

PANEL, PROFILE = GENE_PANEL.label, OMICS_PROFILE.label

_LEVEL = 1
"""Of zlib; level 6 saves 1% of the expression of GDSC in three times the time."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Profiles:
    """Values of one kind that a dataset has of cell lines.

    Attributes
    ----------
    dataset
        Id of the dataset.
    kind
        A key of `kg.schema.PROFILES`.
    cell_lines, genes
        Ids, each once, (c,) and (g,).
    values
        float32 (c, g), NaN where not measured.

    Raises
    ------
    ShapeError
        If the values are of another shape.
    """

    dataset: str
    kind: str
    cell_lines: Sequence[str]
    genes: Sequence[str]
    values: Floats

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.cell_lines), len(self.genes)):
            raise ShapeError(
                f"profiles of {len(self.cell_lines)} cell lines and {len(self.genes)} genes have the shape "
                f"{self.values.shape}"
            )

    @classmethod
    def of(
        cls,
        dataset: str,
        kind: str,
        cell_lines: Sequence[str],
        genes: Sequence[str],
        values: npt.NDArray[np.generic],
    ) -> Profiles:
        """Profiles of those cell lines and genes, ordered by id, that have a value at all."""
        measured = ~np.isnan(values)
        rows = _sorted(cell_lines, measured.any(axis=1))
        columns = _sorted(genes, measured.any(axis=0))
        taken = values[np.ix_(rows, columns)].astype(np.float32)
        return cls(dataset, kind, [cell_lines[i] for i in rows], [genes[i] for i in columns], taken)

    @property
    def panel(self) -> str:
        """Id of the panel."""
        digest = hashlib.sha256("\n".join(self.genes).encode()).hexdigest()
        return f"{self.dataset}:{self.kind}:{digest[:12]}"

    def panel_table(self) -> pa.Table:
        """The panel's row."""
        row = {"id": self.panel, "dataset": self.dataset, "kind": self.kind, "genes": list(self.genes)}
        return pa.Table.from_pylist([row], arrow_schema(GENE_PANEL.columns))

    def table(self) -> pa.Table:
        """A row a cell line, ordered by id."""
        n = len(self.cell_lines)
        columns = {
            "id": [f"{self.dataset}:{self.kind}:{cell_line}" for cell_line in self.cell_lines],
            "cell_line": list(self.cell_lines),
            "dataset": [self.dataset] * n,
            "kind": [self.kind] * n,
            "panel": [self.panel] * n,
            "values": [packed(row) for row in self.values],
            "gone": [None] * n,
        }
        return pa.table(columns, schema=arrow_schema(OMICS_PROFILE.columns))


def read(store: GraphStore) -> list[Profiles]:
    """All profiles of a store but those marked as gone, one item for each panel that has any, in the order of the
    panels' ids."""
    panels = store.read_nodes(PANEL)
    if not panels.num_rows:
        return []
    rows = store.read_nodes(PROFILE)
    rows = rows.filter(pc.is_null(rows["gone"]))
    found = []
    for panel in panels.to_pylist():
        of_panel = rows.filter(pc.equal(rows["panel"], panel["id"]))
        if of_panel.num_rows:
            values = np.stack([unpacked(text) for text in of_panel["values"].to_pylist()])
            cell_lines = of_panel["cell_line"].to_pylist()
            found.append(Profiles(panel["dataset"], panel["kind"], cell_lines, panel["genes"], values))
    return found


def packed(values: Floats) -> str:
    """Values as the text of the property ``values``."""
    return base64.b64encode(zlib.compress(values.astype("<f4").tobytes(), _LEVEL)).decode()


def unpacked(text: str) -> Floats:
    """The values of a text that `packed` made."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), "<f4").astype(np.float32, copy=False)


def _sorted(ids: Sequence[str], among: npt.NDArray[np.bool_]) -> list[int]:
    return sorted(np.flatnonzero(among).tolist(), key=lambda i: ids[i])
