"""Checks Cypher text without running it, and converts parameters to plain Python.

Both engines use it. An unbound parameter is null on the embedded engine and an error on a server; and only
the text shows whether a statement would write files or leave its transaction.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from typing import Any

from pharmagraph.kg.errors import QueryError

_TOKEN = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`)
    |\$(?P<parameter>[A-Za-z_]\w*)|(?P<word>[A-Za-z_]\w*)|(?P<mark>;|[^\s])""",
    re.VERBOSE | re.DOTALL,
)
_OPENERS = frozenset({"MATCH", "OPTIONAL", "WITH", "UNWIND", "RETURN", "CALL"})
_INT64 = range(-(2**63), 2**63)


def parameter_names(cypher: str) -> list[str]:
    """Names of the ``$parameters`` in a text, in order, without those in strings and comments."""
    names = (m["parameter"] for m in _TOKEN.finditer(cypher) if m["parameter"])
    return list(dict.fromkeys(names))


def require_reading(cypher: str) -> None:
    """Refuse text that is not one reading statement.

    In a read-only transaction the engines refuse writes to the graph. This function refuses what they still
    allow there: a second statement (it would run outside the transaction), statements that read or write
    files, and settings.

    Raises
    ------
    QueryError
        Naming the word that is refused.
    """
    if (wrong := re.search(r"[\ud800-\udfff]", cypher)) is not None:
        raise QueryError(f"the query's character {wrong.start() + 1} is not text in UTF-8; type it anew")
    tokens = [m.group() for m in _TOKEN.finditer(cypher) if not m.group().startswith(("//", "/*"))]
    while tokens and tokens[-1] == ";":
        tokens.pop()
    if tokens and tokens[0].upper() in {"EXPLAIN", "PROFILE"}:
        tokens.pop(0)
    if not tokens:
        raise QueryError("the query is empty; write MATCH … RETURN …")
    if tokens[0].upper() not in _OPENERS:
        raise QueryError(
            f'a query may not begin with "{tokens[0]}"; queries only read, as MATCH … RETURN … does'
        )
    for word, following in itertools.pairwise(tokens):
        if word == ";":
            raise QueryError(f'a query is one statement; take out ";" and what follows it ("{following} …")')
        if word.upper() == "LOAD" and following.upper() in {"FROM", "CSV"}:
            raise QueryError(f'"{word} {following}" is refused: queries read the graph, not files')
    if tokens[0].upper() == "CALL" and tokens[2:3] == ["="]:
        raise QueryError(f'"CALL {tokens[1]} = …" is refused: a query may not change a setting')


def bind(cypher: str, parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters of a text in types that the engines accept.

    Raises
    ------
    QueryError
        If a parameter of the text has no value, a value belongs to no parameter, or the engines have no type
        for it.
    """
    given = dict(parameters or {})
    wanted = parameter_names(cypher)
    missing = [name for name in wanted if name not in given]
    if missing:
        raise QueryError(f"the query needs {', '.join('$' + m for m in missing)}; give {missing[0]}=VALUE")
    foreign = [name for name in given if name not in wanted]
    if foreign:
        has = ", ".join("$" + w for w in wanted) or "none"
        raise QueryError(f"the query has no parameter ${foreign[0]}; it has {has}")
    return {name: plain(value, name) for name, value in given.items()}


def plain(value: Any, name: str) -> Any:
    """A parameter's value in plain Python: NumPy scalars and arrays, tuples and sets are converted."""
    if type(value).__module__.partition(".")[0] == "numpy":  # importing it takes as long as a query
        value = value.tolist()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(_utf8(value, name))
    if isinstance(value, int):
        if value not in _INT64:
            raise QueryError(f"${name}: {value} does not fit a 64-bit integer")
        return int(value)
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    if isinstance(value, Mapping):
        return {str(k): plain(v, name) for k, v in value.items()}
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    if isinstance(value, (list, tuple)):
        items = [plain(v, name) for v in value]
        kinds = {_kind(v) for v in items if v is not None}
        if len(kinds) > 1:
            raise QueryError(f"${name}: a list may not mix {' and '.join(sorted(kinds))}")
        if kinds == {"map"} and len({tuple(sorted(v)) for v in items if v is not None}) > 1:
            raise QueryError(f"${name}: the maps of a list must have the same keys")
        return items
    raise QueryError(
        f"${name}: a {type(value).__name__} is not a query parameter; give text, numbers or lists"
    )


def _utf8(text: str, name: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise QueryError(f"${name}: {text!r} is not valid Unicode text") from None
    return text


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "booleans"
    if isinstance(value, (int, float)):
        return "numbers"
    if isinstance(value, str):
        return "text"
    return "map" if isinstance(value, dict) else "lists"
