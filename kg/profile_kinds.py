"""The part of the schema that holds profiles: all values that were measured of a cell line, packed into one text.

Edges to genes are for queries; models read profiles. `kg.schema` joins these kinds to the others, `kg.profiles` makes
their rows.
"""

from __future__ import annotations

from typing import NamedTuple

from pharmagraph.kg.kinds import GONE, NodeKind, Property
from pharmagraph.kg.layers import LAYERS


class Edges(NamedTuple):
    """The edges from cell lines to genes that hold some of a profile's values, and the property that they are in."""

    type: str
    property: str


PROFILES = {layer.name: Edges(layer.edges, layer.value.name) for layer in LAYERS if layer.profile}
"""Kind of profile → the edges that have the values of cell lines without such a profile."""

_DATASET = Property("dataset", "string", "id of the Dataset that brought it", required=True)
_KIND = Property("kind", "string", "what was measured", required=True, choices=tuple(PROFILES))

GENE_PANEL = NodeKind(
    "GenePanel",
    "The genes of a dataset's profiles of one kind, in the order of their values.",
    (
        _DATASET,
        _KIND,
        Property("genes", "strings", "ids of the genes, or of the layer's other features", required=True),
    ),
    in_views=False,
)
OMICS_PROFILE = NodeKind(
    "OmicsProfile",
    "Every value of one kind that a dataset has of a cell line; edges hold those that can be queried.",
    (
        Property("cell_line", "string", "id of the CellLine", required=True),
        _DATASET,
        _KIND,
        Property("panel", "string", "id of the GenePanel", required=True),
        Property(
            "values",
            "string",
            "a value for each gene of the panel, as the layer's edges have it, NaN where it was not measured; float32, "
            "little-endian, compressed with zlib, in base64",
            "that of the edges",
            required=True,
        ),
        GONE,
    ),
    in_views=False,
)
