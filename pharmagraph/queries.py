"""Questions to the graph, answered as a table. The named queries themselves are in `cypher/queries`."""

from __future__ import annotations

from numbers import Number
from typing import TYPE_CHECKING, Any

from pharmagraph.kg import arguments
from pharmagraph.kg.errors import NotFoundError
from pharmagraph.kg.store import GraphStore

if TYPE_CHECKING:
    import pandas as pd


def query(store: GraphStore, name_or_cypher: str, /, **parameters: Any) -> pd.DataFrame:
    """Ask a named query, or read-only Cypher.

    Parameters
    ----------
    store
        Open.
    name_or_cypher
        One word is the name of a query (``docs/queries.md`` lists them); anything else is Cypher.
    **parameters
        Of the query; always bound, never put into the text. Of a named query drugs, genes and cell lines by any of
        their names, runs by id, and None takes the default.

    Returns
    -------
    pandas.DataFrame
        The columns that the query returns, in its order; ``docs/queries.md`` says what they hold, in which unit.

    Raises
    ------
    TypeError
        If ``store`` is no open store, ``name_or_cypher`` no text, or a named query's parameter neither text nor number.
    NotFoundError
        If there is no such query, node or run.
    InputError
        If a parameter is missing, unknown or of the wrong type.
    QueryError
        If the Cypher would write, or the engine refuses it.
    """
    from pharmagraph.cypher import catalogue

    arguments.require_store(store)
    asked = arguments.text("name_or_cypher", name_or_cypher).strip()
    if asked in catalogue.catalogue():
        for key, value in parameters.items():
            if value is not None and not isinstance(value, (str, Number)):
                raise TypeError(f"{key} is of type {type(value).__name__}; give a text or a number")
        given = {key: str(value) for key, value in parameters.items() if value is not None}
        return catalogue.run(store, asked, given).to_pandas()
    if len(asked.split()) == 1:
        raise NotFoundError("query", asked, catalogue.catalogue(), "see: docs/queries.md")
    return store.query(asked, parameters).to_pandas()
