"""Names of the views of a structure and of the similarities, and how many of them are used for what; no computation.

`similarities` computes them between all entities of a graph, `predictor.features` those of one with a run's.
"""

from __future__ import annotations

from pharmagraph.kg.layers import LAYERS

DESCRIBED_BY = ("morgan_counts", "feature_counts", "structural_keys")
"""Views of a structure that a network reads, in this order."""

DRUG_KERNELS = (
    "fingerprint",
    "morgan_counts",
    "feature_counts",
    "atom_pair_counts",
    "path_bits",
    "structural_keys",
    "rare_bits",
    "stored",
)
CELL_LINE_KERNELS = (
    "components",
    "cosine",
    "rbf",
    "rbf_wide",
    "rbf_narrow",
    "rbf_narrower",
    "stored",
    "mutation",
    "copy_number",
    "tissue",
)
OF_FURTHER_LAYERS = tuple(
    layer.name
    for layer in LAYERS
    if layer.profile and layer.name not in ("expression", "copy_number", "dependency")
)
"""Layers that each add one similarity of cell lines after those, where a graph has profiles of them."""
N_SHARPENED_DRUG_KERNELS = 6
N_SHARPENED_CELL_LINE_KERNELS = 2
"""How many of the first kernels rank neighbours and set how fast the axial component's attention falls off."""

N_COMPONENTS = 16
"""Principal components of expression in the similarity ``components``. Set by hand."""

N_SIMILAR = 15
"""Similar entities that a new one is joined to, as many as `ingest` keeps of each."""

SHARPNESS = 4
"""Power of the similarity by which a new drug gets a weighted mean of the attention of known drugs."""

EVEN_ATTENTION = 1e-6
"""Attention to every gene that a new drug has at least, before it is normalised."""

GENE_FEATURES = ("expression", "mutation", "copy_number", "dependency")
"""Kinds of omics that a drug may attend to at a gene; a column's ``kind`` is its position here."""

FEWEST_CELL_LINES = 3
"""Cell lines that need a value other than 0 before a gene's column is used. Set by hand."""

N_OF_EACH_KIND = 5
"""Columns of each kind of omics that are candidates by the association with the drug's own responses. Set by hand."""

EVIDENCE = (
    "association", "own association", "agreement", "associated", "target", "target and association",
    "attended as a target", *GENE_FEATURES,
)  # fmt: skip
"""What the score of a drug and a column reads, in this order."""

ASSOCIATION_UNIT = 10.0
"""Multiplies correlations, so that evidence is of order 1. Set by hand."""
