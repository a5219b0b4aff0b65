"""Checks Cypher text without running it, and converts parameters to plain Python.

Both engines use it. An unbound parameter is null on the embedded engine and an error on a server; and only
the text shows whether a statement would write files or leave its transaction.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from pharmagraph.kg.errors import QueryError, shortened

_TOKEN = re.compile(
    r"""(?P<skip>//[^\n]*|/\*.*?\*/|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`)
    |\$(?P<parameter>[A-Za-z_]\w*)|(?P<word>[A-Za-z_]\w*)|(?P<mark>;|[^\s])""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT = ("//", "/*")
_QUOTES = ("'", '"', "`")
_OPENERS = frozenset({"MATCH", "OPTIONAL", "WITH", "UNWIND", "RETURN", "CALL"})
PROCEDURES = frozenset(
    {
        *("show_tables", "table_info", "show_connection", "db_version"),
        *("db.labels", "db.relationshiptypes", "db.propertykeys", "dbms.components"),
        *("db.schema.visualization", "db.schema.nodetypeproperties", "db.schema.reltypeproperties"),
    }
)
"""What CALL may name, in small letters: procedures that describe the graph. Others end the process, change the server
or read files."""
_INT64 = range(-(2**63), 2**63)


def parameter_names(cypher: str) -> list[str]:
    """Names of the ``$parameters`` in a text, in order, without those in strings and comments."""
    names = (m["parameter"] for m in _TOKEN.finditer(cypher) if m["parameter"])
    return list(dict.fromkeys(names))


def require_reading(cypher: str) -> None:
    """Refuse text that is not one reading statement.

    In a read-only transaction the engines refuse writes to the graph. This function refuses what they still
    allow there: a second statement (it would run outside the transaction), statements that read or write
    files, settings, and procedures that are not in `PROCEDURES`. It refuses, too, what an engine could read in another
    way than this function does, such as ``\\u`` escapes.

    Raises
    ------
    QueryError
        Naming the word that is refused.
    """
    tokens = _tokens(cypher)
    while tokens and tokens[-1] == ";":
        tokens.pop()
    if tokens and tokens[0].upper() in {"EXPLAIN", "PROFILE"}:
        tokens.pop(0)
    if not tokens:
        raise QueryError("the query is empty; write MATCH … RETURN …")
    if tokens[0].upper() not in _OPENERS:
        raise QueryError(
            f'a query may not begin with "{shortened(tokens[0])}"; queries only read, as MATCH … RETURN … does'
        )
    for position, word in enumerate(tokens):
        following = tokens[position + 1 :]
        if word == ";":
            raise QueryError(
                f'a query is one statement; take out ";" and what follows it ("{shortened(following[0])} …")'
            )
        if word.upper() == "LOAD":
            raise QueryError(
                f'"{word}" is refused: queries read the graph, not files; a name of that word goes in back-quotes'
            )
        if word.upper() == "CALL":
            _require_procedure(following)


def _tokens(cypher: str) -> list[str]:
    """The text's words, marks and quoted parts; refuses characters that the engines may read in another way."""
    if (wrong := re.search(r"[\ud800-\udfff]", cypher)) is not None:
        raise QueryError(f"the query's character {wrong.start() + 1} is not text in UTF-8; type it anew")
    if (wrong := re.search(r"\\[uU]", cypher)) is not None:
        raise QueryError(
            f"the query's character {wrong.start() + 1} begins an escape, \\u…; type the character itself, "
            "or give the text as a parameter"
        )
    if (wrong := re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)", cypher)) is not None:
        raise QueryError(
            f"the query's character {wrong.start() + 1} is a control character; take it out, "
            "or give the text as a parameter"
        )
    found = [m.group() for m in _TOKEN.finditer(cypher)]
    if any(token in _QUOTES for token in found):
        raise QueryError("a quote in the query is not closed; close it")
    tokens = [token for token in found if not token.startswith(_COMMENT)]
    for token in tokens:
        if not token.startswith(_QUOTES) and (not token.isascii() or token == "\\"):  # nosec B105 # a token of Cypher
            raise QueryError(
                f'"{shortened(token)}" is refused outside quotes; put names with it in back-quotes'
            )
    bare = _TOKEN.sub(lambda m: "" if m["skip"] else m.group(), cypher)
    if not bare.isascii():  # the engines take other characters than Python does for space
        raise QueryError("the query has a space that is not ASCII outside quotes; type the space anew")
    if "/*" in bare:
        raise QueryError("a comment in the query is not closed; end it with */")
    return tokens


def _require_procedure(following: list[str]) -> None:
    """Refuse CALL of what is neither a subquery nor in `PROCEDURES`, given what follows the word."""
    if following[:1] in (["{"], ["("]):
        return
    if following[1:2] == ["="]:
        raise QueryError(f'"CALL {following[0]} = …" is refused: a query may not change a setting')
    length = next((n for n in range(1, len(following), 2) if following[n] != "."), len(following))
    name = "".join(following[:length])
    if name.lower() not in PROCEDURES:
        raise QueryError(
            f'"CALL {shortened(name)}" is refused; a query may call {", ".join(sorted(PROCEDURES))}'
        )


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
