"""Cards of drugs, genes and cell lines for notebooks: what the graph holds, as text, HTML, tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, cast

from pharmagraph.kg import curies, markup, names, run_register
from pharmagraph.kg.errors import InputError, NotFoundError
from pharmagraph.kg.run_kinds import RESPONSE, TARGET
from pharmagraph.kg.terminal import one_line

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from pharmagraph.kg.store import GraphStore

ROWS = 10
"""Rows of each table that a card shows; its DataFrames have all."""
_TITLES = {
    "responses": "Measured responses, the most sensitive first",
    "genes": "Genes that decide response, by the promoted run: association, not cause",
    "attention": "Genes attended to as targets, by the promoted run: hypotheses",
    "targets": "Known targets",
    "drugs": "Drugs whose response it decides, by the promoted run: association, not cause",
    "targeted_by": "Drugs that are known to act on it",
}
_STYLE = "border:1px solid rgba(128,128,128,.4);border-radius:6px;padding:.6em 1em;max-width:60em"


@dataclass(frozen=True)
class Card:
    """What a graph holds of one drug, gene or cell line.

    In a notebook it shows itself, with the first rows of its tables; `tables` and `table` have them whole.

    Attributes
    ----------
    kind
        "Drug", "Gene" or "CellLine".
    id, name
        Of the node.
    properties
        All that is known of it, by the names of docs/schema.md, and ``curie`` and ``xrefs``, its names in other graphs.
    store
        The store that it comes from; it has to be open when a table is read for the first time.
    """

    kind: str
    id: str
    name: str
    properties: Mapping[str, Any] = field(repr=False)
    store: GraphStore = field(repr=False, compare=False)

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The card's tables by name.

        Of a drug: ``responses`` (cell_line, name, tissue, dataset, ln_ic50, response), ``targets``, and of the promoted
        run ``genes`` (those that decide response: gene, feature, effect, weight, rank, known) and ``attention`` (genes
        attended to as targets). Of a gene: ``targeted_by`` and ``drugs``. Of a cell line: ``responses``.
        """
        return {name: read(self) for name, read in _TABLES[self.kind].items()}

    def table(self, name: str) -> pd.DataFrame:
        """One of `tables`; InputError where the card has no such table."""
        if name not in _TABLES[self.kind]:
            raise InputError(
                f'a card of a {self.kind} has no table "{name}"; there are {", ".join(_TABLES[self.kind])}'
            )
        return self.tables[name]

    def plot(self, name: str | None = None) -> go.Figure:
        """A Plotly figure of a table.

        Parameters
        ----------
        name
            A table with responses or effects; by default the first of the card that has one.
        """
        from plotly.graph_objects import Figure

        from pharmagraph.kg import figures

        drawn = [n for n in _TABLES[self.kind] if n in ("responses", "genes", "drugs")]
        name = name or drawn[0]
        rows = cast("list[dict[str, Any]]", self.table(name).to_dict("records"))
        if name not in drawn:
            raise InputError(f'the table "{name}" has no figure; these have one: {", ".join(drawn)}')
        if not rows:
            raise InputError(f'{self.name} has no rows of "{name}", so there is nothing to draw')
        if name == "responses":
            measured = [row for row in rows if row["ln_ic50"] == row["ln_ic50"]]
            by = "tissue" if self.kind == "Drug" else None
            figure = figures.waterfall(
                measured, value="ln_ic50", of="name", by=by, title="ln IC50 (ln µmol/l)"
            )
        else:
            figure = figures.effects(rows[:ROWS], "gene" if name == "genes" else "drug")
        return Figure(figure)

    def __repr__(self) -> str:
        lines = [f"{self.kind} {one_line(self.name)}"]
        lines += [f"  {name}: {one_line(value)}" for name, value in self._identities().items()]
        lines += [f"  {said}" for said in self._said()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        picture = self._picture()
        known = "".join(
            f"<tr><th style='text-align:left'>{_html(name)}</th><td style='text-align:left'>{_html(value)}</td></tr>"
            for name, value in self._identities().items()
        )
        parts = [f"<h3>{_html(self.name)}</h3>", picture, f"<table>{known}</table>"]
        parts += [f"<p>{_html(said)}</p>" for said in self._said()]
        for name, table in self.tables.items():
            if len(table):
                more = f" ({ROWS} of {len(table):,})" if len(table) > ROWS else ""
                parts.append(f"<details open><summary>{_html(_TITLES[name] + more)}</summary>")
                first = table.head(ROWS).map(lambda v: markup.allowed(v) if isinstance(v, str) else v)
                parts.append(first.to_html(index=False, escape=True, na_rep="", float_format="{:.4g}".format))
                parts.append("</details>")
        return f'<div class="pharmagraph-card" style="{_STYLE}">{"".join(parts)}</div>'

    def _identities(self) -> dict[str, str]:
        found = {"id": self.id}
        for name, value in self.properties.items():
            if name != "id" and value not in (None, [], self.name):
                found[name] = "; ".join(value) if isinstance(value, list) else str(value)
        return found

    def _said(self) -> list[str]:
        """A sentence on the measured responses, if there are any."""
        if "responses" not in self.tables or not len(self.tables["responses"]):
            return []
        responses = self.tables["responses"]
        others = "cell lines" if self.kind == "Drug" else "drugs"
        column = "cell_line" if self.kind == "Drug" else "drug"
        sensitive = int((responses["response"] == 1).sum())
        datasets = ", ".join(sorted(set(responses["dataset"])))
        return [
            f"measured on {responses[column].nunique():,} {others} in {datasets}; {sensitive:,} of "
            f"{len(responses):,} responses are sensitive"
        ]

    def _picture(self) -> str:
        smiles = self.properties.get("smiles")
        if not smiles:
            return ""
        from pharmagraph.kg.structure_picture import svg
        from pharmagraph.kg.structures import unreadable

        if reason := unreadable(smiles):
            return f"<p>No picture of the structure: {_html(reason)}.</p>"
        text = svg(smiles)
        return text[text.index("<svg") :]  # without the XML declaration


class Cards:
    """The methods that give a store's cards."""

    def drug(self, name: str) -> Card:
        """The card of a drug, by name, alias or id; NotFoundError where there is none."""
        return card(cast("GraphStore", self), "Drug", name)

    def gene(self, name: str) -> Card:
        """The card of a gene, by symbol, alias or id; NotFoundError where there is none."""
        return card(cast("GraphStore", self), "Gene", name)

    def cell_line(self, name: str) -> Card:
        """The card of a cell line, by name, alias or id; NotFoundError where there is none."""
        return card(cast("GraphStore", self), "CellLine", name)


def card(store: GraphStore, label: str, name: str) -> Card:
    """The card of the node of a label that a name means."""
    if not isinstance(name, str):
        raise TypeError(f"name is of type {type(name).__name__}; give a text")
    row = names.find_node(store, label, name)
    rows = store.node_rows(label, curies.columns(label))
    found = curies.of_nodes(label, rows)[next(n for n, r in enumerate(rows) if r["id"] == row["id"])]
    shown = row["id"] if label == "Gene" else row["name"] or row["id"]
    return Card(label, row["id"], shown, {**row, "curie": found[0], "xrefs": found[1:]}, store)


def _html(text: str) -> str:
    return escape(markup.allowed(text))


def _edges(of: Card, type_: str, ends: tuple[str, str], columns: list[str]) -> pd.DataFrame:
    """Edges of the node, those that are marked as gone left out, with the id of the other end under its word."""
    from pharmagraph.kg.subgraph import present_edges  # it loads Arrow, which not every command needs

    end, other = ("src", "dst") if ends[0] == of.kind else ("dst", "src")
    table = present_edges(of.store, type_, ends, ["src", "dst", *columns], equals={end: of.id})
    return table.drop_columns([end]).to_pandas().rename(columns={other: _WORDS[ends[other == "dst"]]})


def _responses(of: Card) -> pd.DataFrame:
    found = _edges(of, "TESTED_ON", ("Drug", "CellLine"), ["dataset", "ln_ic50", "response"])
    label, word = ("CellLine", "cell_line") if of.kind == "Drug" else ("Drug", "drug")
    columns = ["id", "name", "tissue"] if label == "CellLine" else ["id", "name"]
    known = {row["id"]: row for row in of.store.node_rows(label, columns)}
    found.insert(1, "name", [known[id_]["name"] or id_ for id_ in found[word]])
    if label == "CellLine":
        found.insert(2, "tissue", [known[id_]["tissue"] for id_ in found[word]])
    found["response"] = found["response"].astype("Int64")
    order = ["ln_ic50", "response", word, "dataset"]
    return found.sort_values(order, ascending=[True, False, True, True], ignore_index=True)


def _of_run(objective: str) -> Callable[[Card], pd.DataFrame]:
    def read(of: Card) -> pd.DataFrame:
        import pandas as pd

        word = "gene" if of.kind == "Drug" else "drug"
        columns = {
            TARGET: [word, "weight", "rank", "excess", "known"],
            RESPONSE: [word, "feature", "effect", "weight", "rank", "known"],
        }[objective]
        try:
            run = run_register.find(of.store)["id"]
        except NotFoundError:  # none is promoted
            return pd.DataFrame(columns=columns)
        end, other = ("src", "dst") if of.kind == "Drug" else ("dst", "src")
        equals = {end: of.id, "run_id": run, "objective": objective}
        wanted = ["src", "dst", *(c for c in columns if c not in (word, "known"))]
        found = of.store.read_edges("ATTENDS", ("Drug", "Gene"), wanted, equals=equals).to_pandas()
        targets = of.store.read_edges("TARGETS", ("Drug", "Gene"), ["src", "dst"], equals={end: of.id})
        found[word] = found[other]
        found["known"] = found[other].isin(targets[other].to_pylist())
        order = "rank" if of.kind == "Drug" else "weight"
        by = [order, word, *(["feature"] if objective == RESPONSE else [])]
        ascending = [order == "rank", *[True] * (len(by) - 1)]
        return found.sort_values(by, ascending=ascending, ignore_index=True)[columns]

    return read


def _targets(of: Card) -> pd.DataFrame:
    found = _edges(of, "TARGETS", ("Drug", "Gene"), ["action", "source", "dataset"])
    return found.sort_values([found.columns[0], "dataset"], ignore_index=True)


_WORDS = {"Drug": "drug", "Gene": "gene", "CellLine": "cell_line"}
_TABLES: dict[str, dict[str, Callable[[Card], pd.DataFrame]]] = {
    "Drug": {
        "responses": _responses,
        "targets": _targets,
        "genes": _of_run(RESPONSE),
        "attention": _of_run(TARGET),
    },
    "Gene": {"targeted_by": _targets, "drugs": _of_run(RESPONSE)},
    "CellLine": {"responses": _responses},
}
