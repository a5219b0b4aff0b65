"""Opens a store for Python: with cards of its drugs, genes and cell lines, which commands do without."""

from __future__ import annotations

from typing import Any, Protocol

from pharmagraph.kg.cards import Card, Cards
from pharmagraph.kg.store import GraphStore, open_as


class Store(GraphStore, Protocol):
    """A `GraphStore` with cards of its nodes."""

    def drug(self, name: str) -> Card:
        """The card of a drug, by name, alias or id."""
        ...

    def gene(self, name: str) -> Card:
        """The card of a gene, by symbol, alias or id."""
        ...

    def cell_line(self, name: str) -> Card:
        """The card of a cell line, by name, alias or id."""
        ...


def open_store(url: str | None = None, *, read_only: bool = False, create: bool = True) -> Store:
    """Open the store at a URL.

    Parameters
    ----------
    url
        ``ladybug:///absolute/graph.lbug``, ``ladybug://relative.lbug``, or ``bolt``, ``neo4j``,
        ``neo4j+s``, ``neo4j+ssc``, ``bolt+s``, ``bolt+ssc``. If None, the environment variable
        PHARMAGRAPH_STORE, or else the file ``pharmagraph.lbug`` in the working folder. Neo4j's credentials
        come from the environment or a file, never from the URL.
    read_only
        Open for reading alone; several processes may then share an embedded file.
    create
        Create an embedded file that does not exist, unless ``read_only``.

    Raises
    ------
    TypeError
        If the URL is no text.
    InputError
        If no engine has that scheme.
    """
    store: Store = open_as(_with_cards, url, read_only=read_only, create=create)
    return store


def _with_cards(engine: type[Any]) -> type[Any]:
    return type(
        engine.__name__, (Cards, engine), {"__doc__": engine.__doc__, "__module__": engine.__module__}
    )
