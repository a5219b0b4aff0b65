"""Says which label, relationship type or property of a Cypher text the schema does not have, before an engine is asked.

Engines stop at such a word, too; but their messages do not offer the nearest word, and Neo4j answers with nulls.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from pharmagraph.kg import schema
from pharmagraph.kg.errors import QueryError

_LITERAL = re.compile(r"//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_NODE = re.compile(r"\(\s*(\w*)\s*:\s*([\w:|&\s]+?)\s*(?=[{)]|WHERE\b)", re.IGNORECASE)
_EDGE = re.compile(r"\[\s*(\w*)\s*:\s*([\w:|\s]+?)\s*(?=[\]*{]|WHERE\b)", re.IGNORECASE)
_PROPERTY = re.compile(r"\b([A-Za-z_]\w*)\s*\.\s*([A-Za-z_]\w*)(?!\s*[(.\w])")
_WORD = re.compile(r"\w+")


def require_known(cypher: str) -> None:
    """Refuse Cypher with a word that the schema does not have.

    A property is looked for in the kinds that its variable is bound to in the text; of a variable that is bound
    otherwise, such as by WITH, nothing is said.

    Raises
    ------
    QueryError
        Naming the first such word, and the nearest that there are.
    """
    text = _LITERAL.sub("''", cypher)
    kinds: dict[str, set[str]] = {}
    for variable, label in _names(_NODE, text):
        properties = _require("label", label, {k.label: [p.name for p in k.columns] for k in schema.NODES})
        kinds.setdefault(variable, set()).update(properties)
    for variable, type_ in _names(_EDGE, text):
        properties = _require("relationship type", type_, {k.type: _of_edge(k.type) for k in schema.EDGES})
        kinds.setdefault(variable, set()).update(properties)
    for variable, name in _PROPERTY.findall(text):
        known = kinds.get(variable)
        if known and name not in known:
            raise QueryError(f'{variable} has no property "{name}"{_nearest(name, known)}')


def _of_edge(type_: str) -> list[str]:
    return [p.name for p in schema.edge(type_).columns]


def _names(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, str]]:
    """Variable and name of every label or type of a pattern; a variable may be empty."""
    for variable, names in pattern.findall(text):
        for name in _WORD.findall(names):
            yield variable, name


def _require(what: str, name: str, known: dict[str, list[str]]) -> list[str]:
    if name not in known:
        raise QueryError(f'the graph has no {what} "{name}"{_nearest(name, known)}')
    return known[name]


def _nearest(name: str, known: Iterable[str]) -> str:
    there = sorted(known)
    folded = {word.lower(): word for word in there}
    near = [folded[w] for w in difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.6)]
    return f"; did you mean {', '.join(near)}?" if near else f"; there are {', '.join(there)}"
