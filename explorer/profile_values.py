"""Values of one gene over cell lines, from the profiles that a data set brought."""

from __future__ import annotations

import numpy as np

from pharmagraph.kg.kept import kept
from pharmagraph.kg.profiles import PANEL, Profiles, unpacked
from pharmagraph.kg.store import GraphStore

PROFILES = """
MATCH (p:OmicsProfile)
WHERE p.panel = $panel
RETURN p.cell_line AS cell_line, p.values AS values
ORDER BY cell_line
"""


def of_gene(graph: GraphStore, kind: str, gene: str) -> dict[str, float]:
    """Cell line → value of a gene, where it was measured; of the panel with most genes that has the gene.

    Parameters
    ----------
    graph
        Open.
    kind
        A key of `kg.schema.PROFILES`.
    gene
        Id.
    """
    panels = graph.node_rows(PANEL, ["id", "dataset", "kind", "genes"])
    having = [p for p in panels if p["kind"] == kind and gene in p["genes"]]
    if not having:
        return {}
    panel = max(having, key=lambda p: len(p["genes"]))

    def read() -> Profiles:
        rows = graph.rows(PROFILES, {"panel": panel["id"]})
        values = np.stack([unpacked(row["values"]) for row in rows])
        return Profiles(panel["dataset"], kind, [row["cell_line"] for row in rows], panel["genes"], values)

    profiles = kept(graph, panel["id"], read)
    column = profiles.values[:, list(profiles.genes).index(gene)]
    return {c: float(v) for c, v in zip(profiles.cell_lines, column, strict=True) if not np.isnan(v)}
