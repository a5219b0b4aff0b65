"""What an assistant may ask: each function opens the store for reading, answers with plain values, and closes it.

Names are looked up in the graph and nowhere else, so that no argument is ever taken for the path of a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pharmagraph.kg import run_register, schema
from pharmagraph.kg.console import plain
from pharmagraph.kg.errors import InputError, NotFoundError
from pharmagraph.kg.names import find_node
from pharmagraph.kg.store import GraphStore, open_store

if TYPE_CHECKING:
    from pharmagraph.run import Run

Answer = dict[str, Any]

MOST_ROWS = 200
"""Rows of an answer; `cli query --format csv` prints all."""
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="rows at most")]
GROUPS = ("tissue", "mutation", "msi")
"""Ways to divide cell lines; a file of groups is for `cli compare`."""


class Tools:
    """The tools on one store.

    Parameters
    ----------
    store_url
        As `open_store` takes it.
    """

    def __init__(self, store_url: str | None) -> None:
        self._url = store_url

    def describe(self) -> Answer:
        """What is in the graph: counts of nodes and edges, data sets with terms of use, and runs with their figures."""
        with self._graph() as graph:
            kept = ("id", "preset", "split", "started_at", "promoted", "metrics")
            return plain(
                {
                    "counts": {kind: n for kind, n in graph.counts().items() if n},
                    "datasets": graph.node_rows("Dataset", ["id", "version", "licence", "citation"]),
                    "runs": [{name: row.get(name) for name in kept} for row in run_register.runs(graph)],
                }
            )

    def find(
        self,
        text: str,
        limit: Limit = 10,
        structure: Literal["exact", "similar", "substructure"] | None = None,
        at_least: Annotated[float, Field(ge=0, le=1)] = 0.3,
    ) -> Answer:
        """Find drugs, genes, cell lines, tissues and pathways by any name, alias or id, typing errors allowed.

        Ask this first when a name is not certain; the other tools take the name or the id that it answers with. With
        `structure` the text is a SMILES, and drugs are found that have it, are similar to it (Tanimoto, `at_least`), or
        contain it.
        """
        from dataclasses import asdict

        from pharmagraph.kg import search, structure_search

        with self._graph() as graph:
            if structure is None:
                return {"rows": [asdict(hit) for hit in search.index(graph).find(text, limit)]}
            found = structure_search.index(graph).find(text, structure, at_least=at_least)
        return {"rows": [asdict(hit) for hit in found[:limit]], "more": len(found) > limit}

    def node(self, kind: str, name: str) -> Answer:
        """All that the graph holds of one drug, gene, cell line or pathway (kind: Drug, Gene, CellLine, Pathway)."""
        with self._graph() as graph:
            return {"kind": _kind(kind), "properties": plain(find_node(graph, kind, name))}

    def neighbours(
        self, kind: str, name: str, relation: str | None = None, limit: Limit = 10, run: str | None = None
    ) -> Answer:
        """What a node is joined to, the strongest edges of each relation first.

        `kind` as in node. `relation` keeps one, such as "ATTENDS Gene (response)"; `limit` is of each relation.
        """
        from pharmagraph.kg import neighbours

        with self._graph() as graph:
            node = find_node(graph, _kind(kind), name)
            known = {found.name: found for found in neighbours.relations(kind)}
            if relation is not None and relation not in known:
                raise NotFoundError("relation", relation, known, f"there are {', '.join(known)}")
            promoted = any(row["promoted"] for row in run_register.runs(graph))
            of_run = run_register.find(graph, run)["id"] if run or promoted else None
            rows = [
                row
                for name_, found in known.items()
                if relation in (None, name_) and (of_run or not found.of_run)
                for row in neighbours.edges(graph, found, node["id"], of_run, limit)
            ]
        return _rows(rows)

    def query(self, name: str, given: Mapping[str, Any]) -> Answer:
        """The rows of a named query, and the Cypher that was run.

        Parameters
        ----------
        name
            Of the query.
        given
            Parameter → value; None takes the default.
        """
        from pharmagraph.cypher import catalogue

        texts = {key: str(value) for key, value in given.items() if value is not None}
        with self._graph() as graph:
            cypher, parameters = catalogue.bound(graph, name, texts)
            return _rows(graph.rows(cypher, parameters)) | {"cypher": cypher, "parameters": parameters}

    def cypher(self, text: str, parameters: dict[str, Any] | None = None) -> Answer:
        """Run read-only Cypher of your own, where no named query answers.

        The words are checked against the schema first (resource pharmagraph://schema). Give values as parameters
        ($name). A query has a limit of time and memory, and the first 200 rows are returned.
        """
        from pharmagraph.kg import free_cypher
        from pharmagraph.kg.schema_check import require_known

        require_known(text)
        found = free_cypher.ask(self._url, text, parameters or {}, free_cypher.SHOWN)
        return _rows(found.rows, found.are_more)

    def predict(
        self,
        drugs: list[str] | None = None,
        cell_lines: list[str] | None = None,
        smiles: list[str] | None = None,
        expression: dict[str, float] | None = None,
        limit: Limit = 20,
        run: str | None = None,
    ) -> Answer:
        """Predict how sensitive cell lines are to drugs, the most sensitive first.

        `drugs` and `cell_lines` are names; all of the run's are taken where one of them is left out. `smiles` are new
        compounds. `expression` is a new cell line: gene → z score. A probability near 1 means sensitive; ln_ic50 is in
        ln µmol/l. A prediction is a hypothesis, not a measurement; `measured` says whether the run was trained on it,
        `low` and `high` how sure it is, and `unlike` that the structure or the expression is far from training.
        """
        from pharmagraph import rows

        if cell_lines and expression:
            raise InputError("both cell_lines and expression are given; ask about one of them")
        notes: list[str] = []
        with self._graph() as graph:
            lines: Any = expression or _ids(graph, "CellLine", cell_lines)
            found = rows.predict(
                _run(graph, run), _ids(graph, "Drug", drugs), lines, smiles=smiles or None, note=notes.append,
                limit=limit,
            )  # fmt: skip
        return _rows(found) | {"notes": notes}

    def explain(
        self, drug: str, cell_line: str | None = None, limit: Limit = 10, run: str | None = None
    ) -> Answer:
        """Why a run predicts what it does for a drug, or for a drug on a cell line.

        Contributions add up to the prediction. Genes are those that the drug attends to; `known` marks known targets.
        Both are associations within this screen, hypotheses and no causes.
        """
        with self._graph() as graph:
            found = _run(graph, run).explain(
                find_node(graph, "Drug", drug)["id"],
                find_node(graph, "CellLine", cell_line)["id"] if cell_line else None,
                limit=limit,
            )
            return plain(found.as_json())

    def what_if(
        self,
        drug: str,
        cell_line: str,
        silence: list[str] | None = None,
        mutate: list[str] | None = None,
        expression: dict[str, float] | None = None,
        run: str | None = None,
    ) -> Answer:
        """Predict a drug on a cell line before and after genes are changed there: each alone, last all together.

        `silence` sets expression to the lowest of any cell line, `mutate` adds a driver mutation, and `expression` is
        gene → z score.
        """
        from pharmagraph import rows

        with self._graph() as graph:
            return _rows(
                rows.what_if(
                    _run(graph, run), drug, cell_line, silence=silence or (), mutate=mutate or (),
                    expression=expression or {},
                )
            )  # fmt: skip

    def compare(
        self, by: str, drug: str | None = None, dataset: str | None = None, limit: Limit = 20
    ) -> Answer:
        """Compare measured responses between two groups of cell lines, of one drug or of all drugs.

        `by` is tissue (one drug), tissue:NAME, mutation:GENE (driver events), mutation:GENE:any, or msi. A negative
        shift of ln IC50 means that the group is more sensitive. q is corrected for the number of comparisons.
        """
        from pharmagraph.model.contrasts.measured import compare

        if by.partition(":")[0] not in GROUPS:
            raise InputError(
                f'by is "{by}"; give tissue, tissue:NAME, mutation:GENE, mutation:GENE:any or msi'
            )
        notes: list[str] = []
        with self._graph() as graph:
            found = compare(graph, by, drug=drug, dataset=dataset, note=notes.append)
        shown = [row.row() for row in found.rows[:limit]]
        return _rows(shown, len(found.rows) > len(shown)) | {"dataset": found.dataset, "notes": notes}

    def suggest(
        self,
        n: Limit = 10,
        drug: str | None = None,
        cell_line: str | None = None,
        smiles: str | None = None,
        run: str | None = None,
    ) -> Answer:
        """Which responses of one drug, or of one cell line, to measure first so that the others are predicted best.

        `explained` is the share of the predictions' variance that is gone after the measurements up to that row.
        """
        from pharmagraph import rows

        notes: list[str] = []
        with self._graph() as graph:
            names = [name for name in (drug,) if name], [name for name in (cell_line,) if name]
            found = rows.suggest_pilots(
                _run(graph, run), n, _ids(graph, "Drug", names[0]), _ids(graph, "CellLine", names[1]),
                smiles=smiles, note=notes.append,
            )  # fmt: skip
        return _rows(found) | {"notes": notes}

    @staticmethod
    def schema() -> str:
        """Kinds of nodes and edges with their properties and units, as Markdown."""
        return schema.markdown()

    @contextmanager
    def _graph(self) -> Iterator[GraphStore]:
        with open_store(self._url, read_only=True) as graph:
            yield graph


def _run(graph: GraphStore, run: str | None) -> Run:
    from pharmagraph.run import Run

    return Run.open(graph, run)


def _kind(kind: str) -> str:
    from pharmagraph.kg.neighbours import NAMED

    if kind not in NAMED:
        raise NotFoundError("kind", kind, NAMED, f"there are {', '.join(NAMED)}")
    return kind


def _ids(graph: GraphStore, label: str, names: Sequence[str] | None) -> list[str] | None:
    return [find_node(graph, label, name)["id"] for name in names] if names else None


def _rows(rows: Sequence[Mapping[str, Any]], more: bool = False) -> Answer:
    """The first `MOST_ROWS` rows, and whether there are more."""
    return {"rows": plain([dict(row) for row in rows[:MOST_ROWS]]), "more": more or len(rows) > MOST_ROWS}
