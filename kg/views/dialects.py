"""How readers of GraphML call what they show: the name of a node, the type and the weight of an edge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pharmagraph.kg import markup


def _escaped(value: str) -> tuple[str, str]:
    return markup.escaped(value), value


def in_one_piece(value: str) -> tuple[str, str]:
    """A text as XML without an escape, and what is read of it.

    Cytoscape keeps the last piece of a text that its parser hands over in pieces, which it does at every escape.
    """
    escaped = markup.escaped(value)
    if escaped is value or not any(sign in value for sign in "&<>\r"):
        return markup.allowed(value), value
    kept = value.replace("\r\n", "\n").replace("\r", "\n").replace("]]>", "]] >")
    return f"<![CDATA[{markup.allowed(kept)}]]>", kept


@dataclass(frozen=True)
class Dialect:
    """The properties that a reader of GraphML looks for.

    Attributes
    ----------
    kind, type
        Property of nodes with their label, and of edges with their type.
    shown
        Property of nodes with the name to be shown; none unless given.
    names_edges, weights
        Whether edges get a ``name``, and similar ones their similarity as ``weight``.
    renamed
        Property of nodes → its name in the file, where the reader has another use for it.
    content
        Text → as it is written, and as it is read then.
    """

    kind: str = "label"
    type: str = "type"
    shown: str = ""
    names_edges: bool = False
    weights: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)
    content: Callable[[str], tuple[str, str]] = _escaped


ANY = Dialect()
"""What `kg.views.to_networkx` has: ``label`` and ``type``."""
CYTOSCAPE = Dialect("kind", "interaction", "name", True, renamed={"name": "full_name"}, content=in_one_piece)
GEPHI = Dialect("kind", "label", "label", weights=True)
DIALECTS = {"any": ANY, "cytoscape": CYTOSCAPE, "gephi": GEPHI}
"""Reader → its dialect."""
