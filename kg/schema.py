"""The table of node kinds, edge kinds, properties and units: the one place that lists a property.

The stores' tables, the pandera contracts (`ingest/contracts.py`) and `docs/schema.md` are made from it. It reads no
data and opens no store. `kg.kinds` defines what a kind is; the names defined there can be imported from here, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.kinds import (
    ARROW,
    ATTENTION,
    EdgeKind,
    Ends,
    NodeKind,
    Property,
    Type,
    arrow_schema,
    conform,
)

__all__ = [
    "ARROW",
    "ATTENTION",
    "EDGES",
    "NODES",
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

VERSION = 3
"""Raised whenever a kind or property changes; a store carries the version that wrote it."""

_DATASET = Property("dataset", "string", "id of the Dataset that brought the edge", required=True)
_RUN = Property("run_id", "string", "id of the Run that made the edge", required=True)

GENE_ATTENTION = ("targets", "network", "none")
"""Values of a run's property ``gene_attention``."""

NODES: tuple[NodeKind, ...] = (
    NodeKind(
        "Drug",
        "A compound that was screened or can be predicted.",
        (
            Property("name", "string", "preferred name", required=True),
            Property("smiles", "string", "structure as SMILES"),
            Property("inchikey", "string", "structure key"),
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
        ),
    ),
    NodeKind(
        "Run",
        "A trained model; the node exists only once all of its attention is written.",
        (
            Property("preset", "string", "name of the preset", required=True),
            Property("config", "string", "the whole configuration, as JSON"),
            Property("seed", "integer", "random seed"),
            Property("split", "string", "which entries were held out"),
            Property("metrics", "string", "held-out metrics, as JSON"),
            Property(
                "gene_attention",
                "string",
                "where attention of drugs to genes comes from: fitted to known targets, the response network's own, or "
                "there is none",
                choices=GENE_ATTENTION,
            ),
            Property(
                "unused_attention",
                "string",
                "relations whose attention has no part in the predictions, each with the reason, as JSON",
            ),
            Property("datasets", "strings", "ids of the datasets whose responses it was trained on"),
            Property("git_fingerprint", "string", "commit and state of the code"),
            Property("data_fingerprint", "string", "hash of the heterograph it was trained on"),
            Property("device", "string", "device and kernel"),
            Property("folder", "string", "folder with weights and the attention of every edge"),
            Property("started_at", "string", "ISO 8601 time"),
            Property("status", "string", "state of the run", choices=("complete",)),
            Property("promoted", "boolean", "whether base edges carry its attention"),
        ),
    ),
)

_VALUE = Property("value", "float", "as the source gives it", required=True)

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
    EdgeKind(
        "EXPRESSES",
        (("CellLine", "Gene"),),
        "Expression far from the gene's mean over cell lines.",
        (
            Property("z", "float", "signed z score over cell lines", "standard deviations", required=True),
            _DATASET,
        ),
    ),
    EdgeKind(
        "MUTATED", (("CellLine", "Gene"),), "A mutation of the gene in the cell line.", (_VALUE, _DATASET)
    ),
    EdgeKind(
        "COPY_NUMBER", (("CellLine", "Gene"),), "A copy number away from the diploid.", (_VALUE, _DATASET)
    ),
    EdgeKind("METHYLATED", (("CellLine", "Gene"),), "Promoter methylation of the gene.", (_VALUE, _DATASET)),
    EdgeKind(
        "TESTED_ON",
        (("Drug", "CellLine"),),
        "A measured drug response.",
        (
            Property("ln_ic50", "float", "response", "ln(µmol/l)"),
            Property("auc", "float", "area under the dose-response curve", minimum=0),
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
    EdgeKind("MEMBER_OF", (("Gene", "Pathway"),), "The gene belongs to the set.", (_DATASET,)),
    EdgeKind(
        "ATTENDS",
        (
            ("Drug", "Gene"),
            ("CellLine", "Gene"),
            ("Drug", "CellLine"),
            ("Drug", "Drug"),
            ("CellLine", "CellLine"),
        ),
        "Attention of a run, from the node that attends to the node that it attends to.",
        (
            _RUN,
            Property("weight", "float", "attention coefficient, mean over heads", minimum=0, maximum=1),
            Property("rank", "integer", "1 is the node's most attended in the relation", minimum=1),
            Property(
                "percentile",
                "float",
                "share of the relation's edges with less weight",
                "%",
                minimum=0,
                maximum=100,
            ),
            Property(
                "excess",
                "float",
                "weight times the number of competing edges; 1 means no preference",
                minimum=0,
            ),
            Property("spread", "float", "standard deviation of weight across seeds or folds", minimum=0),
            Property(
                "q",
                "float",
                "false discovery rate against permuted responses, within the node",
                minimum=0,
                maximum=1,
            ),
            Property(
                "stability",
                "float",
                "agreement across seeds on the source node's first 20: rank-biased overlap",
                minimum=0,
                maximum=1,
            ),
            Property("publications", "integer", "PubMed abstracts that name both ends", minimum=0),
            Property(
                "expected_publications",
                "float",
                "PubMed abstracts expected to name both ends if they were independent",
                minimum=0,
            ),
            Property(
                "publications_p",
                "float",
                "hypergeometric probability of at least so many abstracts",
                minimum=0,
                maximum=1,
            ),
        ),
        identity=("run_id",),
        base=False,
    ),
    EdgeKind(
        "ENRICHED",
        (("Drug", "Pathway"),),
        "The set is enriched in genes that a run attends to for the drug, compared with all candidate genes.",
        (
            _RUN,
            Property(
                "test",
                "string",
                "over-representation among the first genes, or ranks of all genes",
                required=True,
                choices=("over-representation", "ranks"),
            ),
            Property(
                "score",
                "float",
                "overlap divided by expected; for ranks: probability that a gene of the set ranks above "
                "one outside it, 0.5 by chance",
                minimum=0,
            ),
            Property(
                "overlap",
                "integer",
                "genes of the set among the first genes; for ranks: genes of the set that were ranked",
                minimum=0,
            ),
            Property("expected", "float", "overlap expected by chance; empty for ranks", minimum=0),
            Property("p", "float", "one-sided p value", minimum=0, maximum=1),
            Property("q", "float", "Benjamini–Hochberg over all sets", minimum=0, maximum=1),
        ),
        identity=("run_id", "test"),
        base=False,
    ),
    EdgeKind(
        "PREDICTED",
        (("Drug", "CellLine"),),
        "A run's prediction for a drug and a cell line.",
        (
            _RUN,
            Property("probability", "float", "probability of being sensitive", minimum=0, maximum=1),
            Property("ln_ic50", "float", "predicted response", "ln(µmol/l)"),
            Property("low", "float", "lower end of the interval, in the unit of the prediction"),
            Property("high", "float", "upper end of the interval, in the unit of the prediction"),
        ),
        identity=("run_id",),
        base=False,
    ),
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
