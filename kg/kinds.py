"""What a node kind, an edge kind and a property are.

The kinds themselves are in `kg.schema`, their Arrow tables in `kg.tables`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Type = Literal["string", "strings", "integer", "float", "boolean"]


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


ATTENTION = (
    Property("attention", "float", "attention of the promoted run, mean over heads", minimum=0, maximum=1),
    Property("attention_run", "string", "id of the promoted Run"),
)
"""Properties that a promoted run sets on every base edge."""

GONE = Property(
    "gone", "string", "time of the load whose source no longer had it; exports for models leave it out"
)
"""Property of what a dataset brought and its next release no longer has, where a load marks it."""

Ends = tuple[str, str]
"""(source label, target label) of an edge."""

EdgeFilter = tuple[str, Ends, Mapping[str, str | Sequence[str]]]
"""Edge type, ends, and column → a value or several: the edges that have one of them in each column."""


@dataclass(frozen=True)
class NodeKind:
    """A label, keyed by its property ``id``.

    Parameters
    ----------
    label, about, properties
        The label, one sentence for the docs, and all properties but the key.
    in_views
        Whether views of the graph (GraphML, KGX, networkx, node-link JSON) show its nodes; copies and tables do always.
    """

    label: str
    about: str
    properties: tuple[Property, ...]
    in_views: bool = True

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
        The relationship type, every (source, target) pair of labels it joins, and one sentence for the docs.
    properties
        All but ``src`` and ``dst``.
    identity
        Properties that, with ``src`` and ``dst``, make an edge one edge; a second row with the same
        identity is an update. Where one is not required, null is a value like any other.
    symmetric
        Stored once, the smaller id as ``src``.
    base
        Whether the edge is evidence that a model may use as messages; a promoted run then sets
        ``attention`` and ``attention_run`` on it, and a later release of its dataset may mark it as gone.
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
        return (*ends, *self.properties, *((*ATTENTION, GONE) if self.base else ()))

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify an edge."""
        return ("src", "dst", *self.identity)
