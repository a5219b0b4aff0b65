"""Explains a prediction of a run from what the store holds: attention, measurements, and paths from drug to cell line.

It reads them by Cypher and runs no network, so that it answers in a second. What a prediction would be if a gene were
changed is in `counterfactuals`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pharmagraph.kg import run_register
from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.store import GraphStore
from pharmagraph.model.explain.drivers import driver_events

Rows = list[dict[str, Any]]

GENES = """
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene)
WHERE a.run_id = $run AND a.objective = 'target'
RETURN g.id AS gene, a.rank AS rank, a.weight AS weight, a.excess AS excess, a.percentile AS percentile,
       a.spread AS spread, a.q AS q, a.stability AS stability, a.publications AS publications,
       EXISTS { MATCH (d)-[:TARGETS]->(g) } AS known
ORDER BY rank LIMIT $limit
"""

_PREDICTION = """
MATCH (d:Drug {id: $drug})-[p:PREDICTED]->(c:CellLine {id: $cell_line})
WHERE p.run_id = $run
RETURN p.probability AS probability, p.calibrated AS calibrated, p.ln_ic50 AS predicted_ln_ic50,
       p.low AS low, p.high AS high, p.level AS level
"""

MEASURED = """
MATCH (d:Drug {id: $drug})-[t:TESTED_ON]->(c:CellLine {id: $cell_line})
RETURN t.dataset AS dataset, t.response AS response, t.ln_ic50 AS ln_ic50, t.censored AS censored ORDER BY dataset
"""

SIMILAR_DRUGS = """
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(o:Drug)-[t:TESTED_ON]->(c:CellLine {id: $cell_line})
WHERE a.run_id = $run
RETURN o.id AS id, o.name AS name, a.weight AS weight, a.rank AS rank, max(t.response) AS response,
       avg(t.ln_ic50) AS ln_ic50
ORDER BY rank LIMIT $limit
"""

SIMILAR_CELL_LINES = """
MATCH (c:CellLine {id: $cell_line})-[a:ATTENDS]->(o:CellLine)<-[t:TESTED_ON]-(d:Drug {id: $drug})
WHERE a.run_id = $run
RETURN o.id AS id, o.name AS name, a.weight AS weight, a.rank AS rank, max(t.response) AS response,
       avg(t.ln_ic50) AS ln_ic50
ORDER BY rank LIMIT $limit
"""

_LEANED_ON = """
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(c:CellLine)
WHERE a.run_id = $run
OPTIONAL MATCH (d)-[t:TESTED_ON]->(c)
RETURN c.id AS id, c.name AS name, a.weight AS weight, a.rank AS rank, max(t.response) AS response,
       avg(t.ln_ic50) AS ln_ic50
ORDER BY rank LIMIT $limit
"""

_SHARED_GENES = """
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene)<-[b:ATTENDS]-(c:CellLine {id: $cell_line})
WHERE a.run_id = $run AND b.run_id = $run AND a.objective = 'target'
RETURN g.id AS gene, a.weight AS of_drug, max(b.weight) AS of_cell_line
ORDER BY of_drug * of_cell_line DESC, gene LIMIT $limit
"""

_INTERACTING = """
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(g:Gene)-[:INTERACTS_WITH]-(o:Gene)<-[b:ATTENDS]-(c:CellLine {id: $cell_line})
WHERE a.run_id = $run AND b.run_id = $run AND a.objective = 'target'
WITH d, g, o, a.weight AS of_drug, max(b.weight) AS of_cell_line
RETURN g.id AS gene, o.id AS other, of_drug, of_cell_line,
       EXISTS { MATCH (d)-[:TARGETS]->(g) } AS known
ORDER BY of_drug * of_cell_line DESC, gene, other LIMIT $limit
"""


LABELS = {"similar_drugs": "Drug", "similar_cell_lines": "CellLine", "leaned_on": "CellLine"}
"""Kind of evidence → the label of its nodes."""


@dataclass(frozen=True)
class Step:
    """One edge of a path.

    Attributes
    ----------
    src, type, dst
        Ends, as ``(label, id)``, and the relationship type.
    weight
        Attention in [0, 1], or None for an edge without attention.
    """

    src: tuple[str, str]
    type: str
    dst: tuple[str, str]
    weight: float | None


@dataclass(frozen=True)
class Path:
    """A path from the drug to the cell line.

    Attributes
    ----------
    kind
        ``shared gene``, ``interacting genes``, ``similar drug`` or ``similar cell line``.
    steps
        Edges in order, the drug's first.
    weight
        Product of the attention on the edges.
    share
        The path's part of the summed weight of all paths of this kind that are shown, in [0, 1].
    response
        The measured response of the similar drug, or of the similar cell line: 1 sensitive, 0 resistant. None for
        paths over genes.
    """

    kind: str
    steps: tuple[Step, ...]
    weight: float
    share: float
    response: int | None = None

    @property
    def text(self) -> str:
        """The path in one line, by ids; for people: `kg.shown_names.path_shown`."""
        return self.steps[0].src[1] + "".join(f" -{s.type}- {s.dst[1]}" for s in self.steps)


@dataclass(frozen=True)
class Explanation:
    """What a store holds about a drug, or about a drug on a cell line, in one run.

    Attributes
    ----------
    run_id
        Id of the run.
    drug, cell_line
        ``{"id", "name"}``; no cell line if none was asked for.
    prediction
        ``probability`` or ``predicted_ln_ic50`` of the run, ``low``, ``high`` and ``level`` of its interval, and under
        ``measured`` the measurements, one row a dataset.
    genes
        The genes that the drug attends to most as targets, with all their scores.
    evidence
        ``similar_drugs`` (measured on the cell line) and ``similar_cell_lines`` (measured with the drug); if no cell
        line was asked for, ``leaned_on``: the drug's measured cell lines that the run attends to most.
    drivers
        Driver events of the cell line, those of known targets first (`driver_events`).
    paths
        Paths of all kinds, those of most weight first within a kind.
    unused_attention
        Relations, as ``CellLine→Gene``, whose attention has no part in the run's predictions, each with the reason in
        one line. No path uses them.
    contributions
        What the prediction is the sum of (`contributions.contributions`); empty if no cell line was asked for, or where
        the run's predictor does not hold the sum.
    """

    run_id: str
    drug: dict[str, str]
    cell_line: dict[str, str] | None
    prediction: dict[str, Any]
    genes: Rows
    evidence: dict[str, Rows]
    drivers: Rows = field(default_factory=list)
    paths: tuple[Path, ...] = ()
    unused_attention: dict[str, str] = field(default_factory=dict)
    contributions: Rows = field(default_factory=list)

    @property
    def nodes(self) -> set[tuple[str, str]]:
        """Label and id of every node that is told of, but for genes alone."""
        found = {("Drug", self.drug["id"])} | {
            end for p in self.paths for s in p.steps for end in (s.src, s.dst)
        }
        found |= {("CellLine", self.cell_line["id"])} if self.cell_line else set()
        return found | {(LABELS[kind], row["id"]) for kind, rows in self.evidence.items() for row in rows}

    def as_json(self) -> dict[str, Any]:
        """For `json.dumps`."""
        return {
            "run": self.run_id,
            "drug": self.drug,
            "cell_line": self.cell_line,
            "prediction": self.prediction,
            "contributions": self.contributions,
            "genes": self.genes,
            "evidence": self.evidence,
            "drivers": self.drivers,
            "unused_attention": [
                {"relation": relation, "reason": reason} for relation, reason in self.unused_attention.items()
            ],
            "paths": [
                {
                    "kind": p.kind,
                    "path": p.text,
                    "weight": p.weight,
                    "share": p.share,
                    "response": p.response,
                    "edges": [
                        {"src": s.src[1], "type": s.type, "dst": s.dst[1], "weight": s.weight}
                        for s in p.steps
                    ],
                }
                for p in self.paths
            ],
        }


def explain(
    store: GraphStore,
    drug: Mapping[str, Any],
    cell_line: Mapping[str, Any] | None = None,
    *,
    run_id: str | None = None,
    limit: int = 10,
) -> Explanation:
    """Collect what a run attends to for a drug, and the paths from there to a cell line.

    Parameters
    ----------
    store
        Holds the run.
    drug, cell_line
        Nodes, with ``id`` and ``name``.
    run_id
        The promoted run unless given.
    limit
        Largest number of genes, of rows of each kind of evidence, and of paths of each kind.

    Raises
    ------
    NotFoundError
        If there is no such run, or none is promoted.
    ModelError
        If the run keeps no attention of the drug at all.
    """
    run = run_register.find(store, run_id)
    unused: dict[str, str] = run["unused_attention"]
    given = {"drug": drug["id"], "run": run["id"], "limit": limit}

    def rows(cypher: str, *names: str, **more: Any) -> Rows:
        return store.rows(cypher, {name: (given | more)[name] for name in names})

    genes = rows(GENES, "drug", "run", "limit")
    if cell_line is None:
        leaned_on = rows(_LEANED_ON, "drug", "run", "limit")
        if not genes and not leaned_on and not {"Drug→Gene", "Drug→CellLine"} <= unused.keys():
            raise ModelError(
                f"run {run['id']} keeps no attention of {drug['name']}: it was not in the run's graph, or has neither "
                "genes nor measured responses"
            )
        evidence = {"leaned_on": leaned_on}
        return Explanation(run["id"], _named(drug), None, {}, genes, evidence, unused_attention=unused)
    on = {"cell_line": cell_line["id"]}
    pair = ("drug", "cell_line")
    predicted = rows(_PREDICTION, *pair, "run", **on)
    prediction: dict[str, Any] = {
        k: v for k, v in (predicted[0] if predicted else {}).items() if v is not None
    }
    prediction["measured"] = rows(MEASURED, *pair, **on)
    similar = {
        "similar_drugs": rows(SIMILAR_DRUGS, *pair, "run", "limit", **on),
        "similar_cell_lines": rows(SIMILAR_CELL_LINES, *pair, "run", "limit", **on),
    }
    if not predicted and not genes and not any(similar.values()):
        raise ModelError(
            f"run {run['id']} says nothing of {drug['name']} on {cell_line['name']}; the pair was not in its graph"
        )
    paths: list[Path] = []
    if not {"Drug→Gene", "CellLine→Gene"} & unused.keys():
        paths += _shared(drug, cell_line, rows(_SHARED_GENES, *pair, "run", "limit", **on))
        paths += _interacting(drug, cell_line, rows(_INTERACTING, *pair, "run", "limit", **on))
    paths += _over_drugs(drug, cell_line, similar["similar_drugs"])
    paths += _over_cell_lines(drug, cell_line, similar["similar_cell_lines"])
    drivers = driver_events(store, [cell_line["id"]], drug["id"])[cell_line["id"]]
    return Explanation(
        run["id"], _named(drug), _named(cell_line), prediction, genes, similar, drivers, tuple(paths), unused
    )


def _named(node: Mapping[str, Any]) -> dict[str, str]:
    return {"id": node["id"], "name": node["name"]}


def _shared(drug: Mapping[str, Any], cell_line: Mapping[str, Any], rows: Rows) -> list[Path]:
    found = []
    for row in rows:
        gene = ("Gene", row["gene"])
        steps = (
            Step(("Drug", drug["id"]), "ATTENDS", gene, row["of_drug"]),
            Step(gene, "ATTENDS", ("CellLine", cell_line["id"]), row["of_cell_line"]),
        )
        found.append((steps, row["of_drug"] * row["of_cell_line"], None))
    return _paths("shared gene", found)


def _interacting(drug: Mapping[str, Any], cell_line: Mapping[str, Any], rows: Rows) -> list[Path]:
    found = []
    for row in rows:
        gene, other = ("Gene", row["gene"]), ("Gene", row["other"])
        steps = (
            Step(("Drug", drug["id"]), "TARGETS" if row["known"] else "ATTENDS", gene, row["of_drug"]),
            Step(gene, "INTERACTS_WITH", other, None),
            Step(other, "ATTENDS", ("CellLine", cell_line["id"]), row["of_cell_line"]),
        )
        found.append((steps, row["of_drug"] * row["of_cell_line"], None))
    return _paths("interacting genes", found)


def _over_drugs(drug: Mapping[str, Any], cell_line: Mapping[str, Any], rows: Rows) -> list[Path]:
    found = []
    for row in rows:
        other = ("Drug", row["id"])
        steps = (
            Step(("Drug", drug["id"]), "ATTENDS", other, row["weight"]),
            Step(other, "TESTED_ON", ("CellLine", cell_line["id"]), None),
        )
        found.append((steps, row["weight"], row["response"]))
    return _paths("similar drug", found)


def _over_cell_lines(drug: Mapping[str, Any], cell_line: Mapping[str, Any], rows: Rows) -> list[Path]:
    found = []
    for row in rows:
        other = ("CellLine", row["id"])
        steps = (
            Step(("Drug", drug["id"]), "TESTED_ON", other, None),
            Step(other, "ATTENDS", ("CellLine", cell_line["id"]), row["weight"]),
        )
        found.append((steps, row["weight"], row["response"]))
    return _paths("similar cell line", found)


def _paths(kind: str, found: Sequence[tuple[tuple[Step, ...], float, int | None]]) -> list[Path]:
    total = sum(weight for _, weight, _ in found) or 1.0
    ordered = sorted(found, key=lambda one: -one[1])
    return [Path(kind, steps, weight, weight / total, response) for steps, weight, response in ordered]
