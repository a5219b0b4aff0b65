"""Asks the store what a page shows: named queries, and Cypher of the user's own. An answer keeps its Cypher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pharmagraph.cypher import catalogue
from pharmagraph.kg import free_cypher, run_register
from pharmagraph.kg.kept import kept
from pharmagraph.kg.store import GraphStore

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Answer:
    """Rows, and what was asked for them.

    Attributes
    ----------
    columns
        In the order in which they are shown.
    rows
        Each row by column.
    cypher
        The text that was run; empty where the rows do not come from the store.
    parameters
        Its parameters.
    query
        Name of the query, if it has one.
    are_more
        Whether the answer has rows that are not among ``rows``.
    """

    columns: Sequence[str]
    rows: Rows
    cypher: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    query: str | None = None
    are_more: bool = False

    def first(self, n: int) -> Answer:
        """The same answer with its first rows alone."""
        return replace(self, rows=self.rows[:n], are_more=self.are_more or len(self.rows) > n)


@dataclass(frozen=True)
class Asked:
    """What an address asks for, and the store that answers.

    Attributes
    ----------
    graph
        Open for reading.
    parts
        Parts of the path after the page's name.
    given
        Parameters of the address.
    may_write
        Whether the page may offer to change the store.
    """

    graph: GraphStore
    parts: Sequence[str]
    given: Mapping[str, str]
    may_write: bool = False

    @cached_property
    def run(self) -> dict[str, Any] | None:
        """The run that the address names, or the promoted one; None where none is promoted.

        Raises
        ------
        NotFoundError
            If the address names a run that there is not.
        """
        if "run" in self.given or any(row["promoted"] for row in run_register.runs(self.graph)):
            return run_register.find(self.graph, self.given.get("run"))
        return None

    @property
    def tissues(self) -> Answer:
        """The answer of the query ``tissues``, which reads every response; kept until a data set changes."""
        return kept(self.graph, "tissues", lambda: self.named("tissues"))

    def named(self, name: str, ids: Mapping[str, str] | None = None, **given: object) -> Answer:
        """The answer of a named query; of the address's run, if it takes one.

        Parameters
        ----------
        name
            Of the query.
        ids
            Parameter → id of a node that the page has found already.
        **given
            Other parameters, nodes by any of their names.

        Raises
        ------
        NotFoundError, InputError
            As `catalogue.bound`.
        """
        query = catalogue.catalogue()[name]
        texts = {key: str(value) for key, value in given.items()}
        if "run" in self.given and any(p.name == "run" for p in query.parameters):
            texts.setdefault("run", self.given["run"])
        cypher, parameters = catalogue.bound(self.graph, name, texts, ids or {})
        rows = self.graph.rows(cypher, parameters)
        return Answer(list(query.columns), rows, cypher, parameters, name)


def free(store_url: str | None, cypher: str, parameters: Mapping[str, Any]) -> Answer:
    """The answer to Cypher of the user's own; errors as `free_cypher.ask`."""
    found = free_cypher.ask(store_url, cypher, parameters, free_cypher.SHOWN)
    return Answer(found.columns, found.rows, cypher, parameters, are_more=found.are_more)
