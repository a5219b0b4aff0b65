"""The table of node kinds, edge kinds, properties and units: the one place that lists a property.

The stores' tables, the pandera contracts (`ingest/contracts.py`) and `docs/schema.md` are made from it. It reads no
data and opens no store. `kg.kinds` defines what a kind is; the names defined there can be imported from here, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.ingest_kind import INGEST
from pharmagraph.kg.kinds import ATTENTION, EdgeKind, Ends, NodeKind, Property, Type
from pharmagraph.kg.layers import LAYERS
from pharmagraph.kg.lazy_names import lazy_names
from pharmagraph.kg.profile_kinds import GENE_PANEL, OMICS_PROFILE, PROFILES
from pharmagraph.kg.run_kinds import GENE_ATTENTION, RUN, RUN_EDGES

if TYPE_CHECKING:
    from pharmagraph.kg.tables import ARROW, arrow_schema, conform
else:
    __getattr__ = lazy_names(
        __name__, dict.fromkeys(("ARROW", "arrow_schema", "conform"), "pharmagraph.kg.tables")
    )

__all__ = [
    "ARROW",
    "ATTENTION",
    "EDGES",
    "GENE_ATTENTION",
    "NODES",
    "PROFILES",
    "VERSION",
    "EdgeKind",
    "Ends",
    "NodeKind",
    "Property",
    "Type",
    "arrow_schema",
    "conform",
    "edge",
    "edge_count_key",
    "edge_tables",
    "markdown",
    "node",
]

VERSION = 9
"""Raised whenever a kind or property changes; a store carries the version that wrote it."""

_DATASET = Property("dataset", "string", "id of the Dataset that brought the edge", required=True)

NODES: tuple[NodeKind, ...] = (
    NodeKind(
        "Drug",
        "A compound that was screened or can be predicted.",
        (
            Property("name", "string", "preferred name", required=True),
            Property("smiles", "string", "structure as SMILES"),
            Property("inchikey", "string", "structure key"),
            Property(
                "parent_inchikey",
                "string",
                "structure key of the parent, where the structure is a salt or a solvate",
            ),
            Property("aliases", "strings", "other names"),
            Property("pubchem_cid", "integer", "PubChem compound id", minimum=1),
            Property("max_phase", "integer", "highest clinical phase", minimum=0, maximum=4),
            Property("mechanism", "string", "mechanism of action in words"),
        ),
    ),
    NodeKind(
        "Gene",
        "A human gene by its HGNC symbol.",
        (
            Property("name", "string", "full name"),
            Property("hgnc_id", "string", "HGNC accession, such as HGNC:3236"),
            Property("entrez_id", "integer", "NCBI Gene id", minimum=1),
            Property("ensembl_id", "string", "Ensembl gene id, such as ENSG00000146648"),
            Property("aliases", "strings", "other symbols, former ones, and retired ids"),
            Property("common_essential", "boolean", "most cell lines do not grow without it"),
            Property("selective", "boolean", "some cell lines do not grow without it, most do"),
            Property(
                "expression_mean",
                "float",
                "mean over the cell lines of the expression that was loaded last",
                "that of the source",
            ),
            Property(
                "expression_deviation",
                "float",
                "standard deviation over the same cell lines (`ddof=0`)",
                "that of the source",
                minimum=0,
            ),
        ),
    ),
    NodeKind(
        "CellLine",
        "A cancer cell line.",
        (
            Property("name", "string", "preferred name", required=True),
            Property("aliases", "strings", "other names"),
            Property("tissue", "string", "tissue of origin"),
            Property("cosmic_id", "integer", "COSMIC sample id", minimum=1),
            Property("depmap_id", "string", "DepMap id, such as ACH-000016"),
            Property("cellosaurus_id", "string", "Cellosaurus accession, such as CVCL_V607"),
            Property("passport_id", "string", "Cell Model Passports id, such as SIDM00136"),
            Property("ccle_name", "string", "CCLE name, such as A375_SKIN"),
            Property("problem", "string", "known misidentification or contamination"),
            Property("msi", "boolean", "microsatellite instability"),
        ),
    ),
    NodeKind(
        "Pathway",
        "A named set of genes.",
        (
            Property("name", "string", "name of the gene set", required=True),
            Property("source", "string", "collection it comes from"),
            Property("licence", "string", "terms of use"),
        ),
    ),
    NodeKind(
        "Metabolite",
        "A metabolite, as the source calls it.",
        (Property("name", "string", "name"),),
    ),
    NodeKind(
        "Dataset",
        "A loaded data set: the source, version and terms of use of its edges.",
        (
            Property("version", "string", "version of the source"),
            Property("source", "string", "where it was read from"),
            Property("licence", "string", "terms of use"),
            Property("citation", "string", "what to cite"),
            Property("sha256", "string", "checksum of the input"),
            Property("ingested_at", "string", "ISO 8601 time of the last load that changed something"),
            Property("part_of", "string", "id of the Dataset that holds its omics and similarities"),
            Property("row_counts", "string", "rows loaded for each kind, as JSON"),
            Property("marked", "integer", "edges and profiles that are marked as gone", minimum=0),
        ),
    ),
    INGEST,
    GENE_PANEL,
    OMICS_PROFILE,
    RUN,
)

_LAYERS = {layer.name: layer.kind(_DATASET) for layer in LAYERS}

EDGES: tuple[EdgeKind, ...] = (
    EdgeKind(
        "SIMILAR_TO",
        (("Drug", "Drug"), ("CellLine", "CellLine"), ("Gene", "Gene")),
        "One of the k most similar nodes of the same kind.",
        (
            Property("similarity", "float", "kernel value", required=True, minimum=0, maximum=1),
            Property("kernel", "string", "tanimoto or rbf, with its settings", required=True),
            _DATASET,
        ),
        identity=("kernel", "dataset"),
        symmetric=True,
    ),
    EdgeKind(
        "TARGETS",
        (("Drug", "Gene"),),
        "The gene product that the drug is known to act on.",
        (
            Property("source", "string", "where it is known from"),
            Property("action", "string", "inhibitor, agonist, degrader and so on"),
            Property("evidence", "string", "reference or level of evidence"),
            _DATASET,
        ),
    ),
    *(_LAYERS.pop(name) for name in ("expression", "mutation", "copy_number", "methylation")),
    EdgeKind(
        "TESTED_ON",
        (("Drug", "CellLine"),),
        "A measured drug response.",
        (
            Property(
                "ln_ic50", "float", "response; where it is censored, the bound that is known", "ln(µmol/l)"
            ),
            Property(
                "censored",
                "string",
                "whether the true value is above or below `ln_ic50`; empty where it is known",
                choices=("above", "below"),
            ),
            Property("auc", "float", "area under the dose-response curve", minimum=0),
            Property("e_inf", "float", "lower end of the curve", "shares of the control"),
            Property("hill", "float", "slope of the curve"),
            Property("r2", "float", "share of the variance of the points that the curve explains"),
            Property("flags", "string", "what to mind of the curve, as no_response;poor_fit"),
            Property("response", "integer", "1 sensitive, 0 resistant", choices=(0, 1)),
            Property("threshold", "string", "the rule and value by which `ln_ic50` became `response`"),
            _DATASET,
        ),
    ),
    EdgeKind(
        "INTERACTS_WITH",
        (("Gene", "Gene"),),
        "A protein–protein interaction.",
        (Property("source", "string", "database and method"), _DATASET),
        symmetric=True,
    ),
    EdgeKind(
        "HOMOLOGOUS",
        (("Gene", "Gene"),),
        "Genes whose proteins are alike in sequence.",
        (
            Property(
                "identity", "float", "share of identical residues in the alignment", minimum=0, maximum=1
            ),
            Property("coverage", "float", "share of both proteins that is aligned", minimum=0, maximum=1),
            _DATASET,
        ),
        symmetric=True,
    ),
    *_LAYERS.values(),
    EdgeKind("MEMBER_OF", (("Gene", "Pathway"),), "The gene belongs to the set.", (_DATASET,)),
    *RUN_EDGES,
)

_NODES = {kind.label: kind for kind in NODES}
_EDGES = {kind.type: kind for kind in EDGES}


def node(label: str) -> NodeKind:
    """The node kind of a label.

    Raises
    ------
    InputError
        If the schema has no such label.
    """
    if label not in _NODES:
        raise InputError(f'no node kind "{label}"; there are {", ".join(_NODES)}')
    return _NODES[label]


def edge(type_: str) -> EdgeKind:
    """The edge kind of a relationship type.

    Raises
    ------
    InputError
        If the schema has no such type.
    """
    if type_ not in _EDGES:
        raise InputError(f'no edge kind "{type_}"; there are {", ".join(_EDGES)}')
    return _EDGES[type_]


def edge_tables() -> Iterator[tuple[EdgeKind, Ends]]:
    """Every edge kind with every pair of labels that it joins."""
    for kind in EDGES:
        for ends in kind.ends:
            yield kind, ends


def edge_count_key(type_: str, ends: Ends) -> str:
    """The key of an edge kind in ``GraphStore.counts``."""
    return f"{ends[0]}-{type_}-{ends[1]}"


def markdown() -> str:
    """The text of ``docs/schema.md``."""
    lines = [
        "# The graph",
        "",
        f"Schema version {VERSION}. `python -m pharmagraph.kg.schema > docs/schema.md` writes this page; "
        "a test fails when it is stale.",
        "",
    ]
    for kind in NODES:
        lines += [f"## {kind.label}", "", kind.about, "", *_property_table(kind.columns)]
    for edge_kind in EDGES:
        joins = ", ".join(f"{a}→{b}" for a, b in edge_kind.ends)
        symmetric = " Symmetric: stored once, the smaller id first." if edge_kind.symmetric else ""
        lines += [
            f"## {edge_kind.type}",
            "",
            f"{joins}. {edge_kind.about}{symmetric} One edge for each {', '.join(edge_kind.key)}.",
            "",
            *_property_table(edge_kind.columns),
        ]
    return "\n".join(lines).rstrip() + "\n"


def _property_table(columns: Sequence[Property]) -> list[str]:
    lines = ["| property | type | unit | meaning |", "|---|---|---|---|"]
    for p in columns:
        about = p.about + (" (required)" if p.required else "")
        if p.choices:
            about += f"; one of {', '.join(map(str, p.choices))}"
        elif p.minimum is not None and p.maximum is not None:
            about += f"; {p.minimum:g} to {p.maximum:g}"
        lines.append(f"| {p.name} | {p.type} | {p.unit} | {about} |")
    return [*lines, ""]


if __name__ == "__main__":
    print(markdown(), end="")
