"""The one table of node kinds, edge kinds, properties and units.

The stores' DDL, the pandera contracts (`ingest/contracts.py`) and `docs/schema.md` are drawn from it;
nothing else in the project lists a property. It reads no data and opens no store.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from pharmagraph.kg.errors import InputError

VERSION = 3
"""Raised whenever a kind or property changes; a store carries the version that wrote it."""

Type = Literal["string", "strings", "integer", "float", "boolean"]

ARROW: dict[Type, pa.DataType] = {
    "string": pa.string(),
    "strings": pa.list_(pa.string()),
    "integer": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
}


@dataclass(frozen=True)
class Property:
    """One property of a node or an edge.

    Parameters
    ----------
    name, type
        As the stores and Arrow know it.
    about
        One phrase for the docs.
    unit
        Physical unit, or the empty string for names and unitless numbers.
    required
        Whether a row without it is rejected.
    minimum, maximum
        Inclusive bounds of a number.
    choices
        The only values allowed.
    """

    name: str
    type: Type
    about: str
    unit: str = ""
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()


Ends = tuple[str, str]
"""(source label, target label) of an edge."""


@dataclass(frozen=True)
class NodeKind:
    """A label, keyed by its property ``id``."""

    label: str
    about: str
    properties: tuple[Property, ...]

    @property
    def columns(self) -> tuple[Property, ...]:
        """All columns of the kind's table: the key first."""
        return (Property("id", "string", f"key of the {self.label}", required=True), *self.properties)


@dataclass(frozen=True)
class EdgeKind:
    """A relationship type between one or several pairs of labels.

    Parameters
    ----------
    type, ends, about
        The relationship type and every (source, target) pair of labels it joins.
    properties
        All but ``src`` and ``dst``.
    identity
        Properties that, with ``src`` and ``dst``, make an edge one edge; a second row with the same
        identity is an update.
    symmetric
        Stored once, the smaller id as ``src``.
    base
        Whether the edge is evidence that a model may use as messages; a promoted run then sets
        ``attention`` and ``attention_run`` on it.
    """

    type: str
    ends: tuple[Ends, ...]
    about: str
    properties: tuple[Property, ...]
    identity: tuple[str, ...] = ("dataset",)
    symmetric: bool = False
    base: bool = True

    @property
    def columns(self) -> tuple[Property, ...]:
        """All columns of the kind's table: ``src``, ``dst``, then the properties."""
        ends = (
            Property("src", "string", "id of the source node", required=True),
            Property("dst", "string", "id of the target node", required=True),
        )
        return (*ends, *self.properties, *(ATTENTION if self.base else ()))

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify an edge."""
        return ("src", "dst", *self.identity)


_DATASET = Property("dataset", "string", "id of the Dataset that brought the edge", required=True)
_RUN = Property("run_id", "string", "id of the Run that made the edge", required=True)
ATTENTION = (
    Property("attention", "float", "attention of the promoted run, mean over heads", minimum=0, maximum=1),
    Property("attention_run", "string", "id of the promoted Run"),
)

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
        "One load: where its edges come from and under which terms.",
        (
            Property("version", "string", "version of the source"),
            Property("source", "string", "where it was read from"),
            Property("licence", "string", "terms of use"),
            Property("citation", "string", "what to cite"),
            Property("sha256", "string", "checksum of the input"),
            Property("ingested_at", "string", "ISO 8601 time of the last load that changed something"),
            Property("part_of", "string", "id of the Dataset that holds its omics and similarities"),
            Property("row_counts", "string", "rows sent a kind, as JSON"),
        ),
    ),
    NodeKind(
        "Run",
        "One trained model; listed only when its attention is wholly written.",
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
            Property("threshold", "string", "the rule and value that made `response` of `ln_ic50`"),
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
        "What a run attends to: from the node that attends to the node that it attends to.",
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
                "weight times the number of edges it competed with; 1 is no preference",
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
                "agreement of the source node's first 20 across seeds: rank-biased overlap",
                minimum=0,
                maximum=1,
            ),
            Property("publications", "integer", "PubMed abstracts that name both ends", minimum=0),
            Property("expected_publications", "float", "the same under independence", minimum=0),
            Property(
                "publications_p",
                "float",
                "hypergeometric, of so many abstracts or more",
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
        "The genes that a run attends to for the drug stand out in the set, against all genes it could attend to.",
        (
            _RUN,
            Property(
                "test",
                "string",
                "over-representation of the first genes, or ranks of all",
                required=True,
                choices=("over-representation", "ranks"),
            ),
            Property(
                "score",
                "float",
                "found over expected; for ranks the chance that a gene of the set stands above another, 0.5 is none",
                minimum=0,
            ),
            Property("overlap", "integer", "genes of the set that were found, or ranked", minimum=0),
            Property("expected", "float", "the same by chance; empty for ranks", minimum=0),
            Property("p", "float", "one-sided", minimum=0, maximum=1),
            Property("q", "float", "Benjamini–Hochberg over all sets", minimum=0, maximum=1),
        ),
        identity=("run_id", "test"),
        base=False,
    ),
    EdgeKind(
        "PREDICTED",
        (("Drug", "CellLine"),),
        "What a run predicts for a pair.",
        (
            _RUN,
            Property("probability", "float", "of being sensitive", minimum=0, maximum=1),
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


def arrow_schema(columns: Sequence[Property]) -> pa.Schema:
    """The Arrow schema of a kind's ``columns``; required ones are not nullable."""
    return pa.schema([pa.field(p.name, ARROW[p.type], nullable=not p.required) for p in columns])


def conform(table: pa.Table, columns: Sequence[Property]) -> pa.Table:
    """Cast a table to a kind's columns, adding the ones it lacks as nulls.

    Parameters
    ----------
    table
        Any subset of the columns that holds all required ones, in any order.
    columns
        ``NodeKind.columns`` or ``EdgeKind.columns``.

    Raises
    ------
    InputError
        If a required column is missing or has nulls, or if there is a column the kind does not have.
    """
    known = {p.name for p in columns}
    foreign = [name for name in table.column_names if name not in known]
    if foreign:
        raise InputError(f"column {foreign[0]} is not in the schema; it has {', '.join(sorted(known))}")
    arrays = []
    for p in columns:
        if p.name in table.column_names:
            array = table.column(p.name).cast(ARROW[p.type])
        else:
            array = pa.nulls(table.num_rows, ARROW[p.type])
        if p.required and array.null_count:
            raise InputError(f"column {p.name} is required and is empty in {array.null_count} rows")
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=pa.schema([pa.field(p.name, ARROW[p.type]) for p in columns]))


def markdown() -> str:
    """The text of ``docs/schema.md``."""
    lines = [
        "# The graph",
        "",
        f"Schema version {VERSION}. `python -m kg.schema` prints this page; a test fails when it is stale.",
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


def edge_count_key(type_: str, ends: Ends) -> str:
    """The key of an edge kind in ``GraphStore.counts``."""
    return f"{ends[0]}-{type_}-{ends[1]}"
