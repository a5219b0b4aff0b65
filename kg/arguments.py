"""Checks of the arguments of the library's public functions; every message names the argument."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike, fspath
from typing import Any

from pharmagraph.kg.errors import InputError, ModelError
from pharmagraph.kg.reading.table import Table
from pharmagraph.kg.wording import named

LARGEST_SEED = 2**32 - 1
"""Largest seed that scikit-learn accepts as ``random_state``."""

_TYPED = {"drugs": "drug", "cell_line": "cell", "cell_lines": "cell", "run_id": "run", "datasets": "dataset"}
"""Arguments of texts that are typed under another name, such as one ``--drug`` after the other."""


def require_store(store: object) -> None:
    """Refuse what is no open store.

    Raises
    ------
    TypeError
        If it lacks the methods of `kg.store.GraphStore`.
    """
    if not all(callable(getattr(store, name, None)) for name in ("read_nodes", "read_edges", "query")):
        raise TypeError(f"store is {_kind(store)}; give an open store: pharmagraph.open_store(URL)")


def text(argument: str, value: object) -> str:
    """The value, if it is text with something in it.

    Raises
    ------
    TypeError
        If it is no text.
    InputError
        If it is empty.
    """
    if not isinstance(value, str):
        raise TypeError(f"{argument} is {_kind(value)}; give a text")
    if not value.strip():
        raise InputError(f"{_said(argument)} is an empty text")
    return value


def texts(argument: str, value: object) -> list[str]:
    """One text, or several, as a list without repetitions, in their order.

    Raises
    ------
    TypeError
        If it is neither a text nor a collection of texts.
    InputError
        If there is none, or one is empty.
    """
    if isinstance(value, str):
        return [text(argument, value)]
    if isinstance(value, (bytes, Mapping)) or not isinstance(value, Iterable):
        raise TypeError(f"{argument} is {_kind(value)}; give a text or a list of texts")
    found = [text(f"{argument}[{place}]", one) for place, one in enumerate(value)]
    if not found:
        raise InputError(f"{argument} is empty; leave it out, or name one")
    return list(dict.fromkeys(found))


def path(argument: str, value: object) -> str:
    """A file or a folder, as text.

    Raises
    ------
    TypeError
        If it is neither a text nor a path.
    InputError
        If it is an empty text, which would be the working folder.
    """
    if isinstance(value, (str, PathLike)):
        if not fspath(value):
            raise InputError(f"{_said(argument)} is an empty text; give a path")
        return str(value)
    raise TypeError(f"{argument} is {_kind(value)}; give a path")


def whole_number(argument: str, value: object, *, least: int, most: int | None = None) -> int:
    """A whole number that is not below ``least``, nor above ``most``.

    Raises
    ------
    TypeError
        If it is no whole number; a boolean is none.
    InputError
        If it is below or above.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{argument} is {_kind(value)}; give a whole number")
    try:
        number = int(value.__index__())
    except TypeError:  # an array of one number or more
        raise TypeError(f"{argument} is {_kind(value)}; give a whole number") from None
    if number < least:
        raise InputError(f"{argument} is {number}; give {least} or more")
    if most is not None and number > most:
        raise InputError(f"{argument} is {number}; give {most} or less")
    return number


def seed(value: object) -> int:
    """A seed that numpy and torch take.

    Raises
    ------
    TypeError, InputError
        As `whole_number`.
    """
    return whole_number("seed", value, least=0, most=LARGEST_SEED)


def device(value: object) -> str:
    """The name of a device, whether it is there or not.

    Raises
    ------
    TypeError
        If it is no text.
    ModelError
        If it is another text.
    """
    name = text("device", value)
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise ModelError(f'device "{name}" is not auto, cpu or cuda')
    return name


def options(argument: str, value: object) -> dict[str, Any]:
    """Values by name of an option; none for None.

    Raises
    ------
    TypeError
        If it is no mapping.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{argument} is {_kind(value)}; give a mapping of options to values")
    return dict(value)


def number(argument: str, value: object) -> float:
    """A number.

    Raises
    ------
    TypeError
        If it is none; a boolean is none.
    """
    if isinstance(value, bool) or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        raise TypeError(f"{argument} is {_kind(value)}; give a number")
    return float(value)  # type: ignore[arg-type]


def function(argument: str, value: object) -> None:
    """Refuse what cannot be called.

    Raises
    ------
    TypeError
        If it cannot.
    """
    if not callable(value):
        raise TypeError(f"{argument} is {_kind(value)}; give a function")


def one_of(argument: str, value: object, choices: Sequence[str]) -> str:
    """One of the choices.

    Raises
    ------
    TypeError
        If it is no text.
    InputError
        If it is another text.
    """
    if not isinstance(value, str):
        raise TypeError(f"{argument} is {_kind(value)}; give one of {', '.join(choices)}")
    word = str(getattr(value, "value", value))
    if word not in choices:
        raise InputError(f'{argument} is "{word}"; give one of {", ".join(choices)}')
    return word


def numbers_by_name(argument: str, value: Any, columns: tuple[str, str]) -> dict[str, float]:
    """A number for each name, from a mapping, a pandas Series or two columns of a DataFrame.

    Parameters
    ----------
    columns
        Of the names and of the numbers in a DataFrame.

    Raises
    ------
    TypeError
        If it is none of these, or a name is no text.
    InputError
        If the DataFrame lacks a column, or a number is missing or not finite; the name is given.
    """
    import math

    if hasattr(value, "columns"):
        require_columns(argument, value, columns)
        pairs = list(zip(value[columns[0]].tolist(), value[columns[1]].tolist(), strict=True))
    elif hasattr(value, "items"):
        pairs = list(value.items())
    else:
        raise TypeError(
            f"{argument} is {_kind(value)}; give a mapping, a Series, or a DataFrame with the columns "
            f"{columns[0]} and {columns[1]}"
        )
    found: dict[str, float] = {}
    for name, number in pairs:
        if not isinstance(name, str):
            raise TypeError(f"{argument}: the {columns[0]} {name!r} is {_kind(name)}; give a text")
        if name in found:
            raise InputError(f"{argument}: the {columns[0]} {name} is there twice; give one {columns[1]}")
        try:
            found[name] = float(number)
        except (TypeError, ValueError):
            found[name] = math.nan
        if not math.isfinite(found[name]):
            raise InputError(f"{argument}: {columns[1]} of {name} is {number!r}, not a finite number")
    return found


def pairs_of_numbers(argument: str, value: Any, columns: tuple[str, str]) -> list[tuple[str, float]]:
    """Names with a number each, from what `numbers_by_name` takes or from pairs, in which a name may come again.

    Raises
    ------
    TypeError
        If it is neither.
    InputError
        As `numbers_by_name`.
    """
    if hasattr(value, "columns") or hasattr(value, "items"):
        return list(numbers_by_name(argument, value, columns).items())
    pairs = list(value) if isinstance(value, Iterable) else [value]
    if any(isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2 for pair in pairs):
        raise TypeError(
            f"{argument} is {_kind(value)}; give {columns[1]} by {columns[0]} as a mapping or as pairs"
        )
    return [
        one for name, number in pairs for one in numbers_by_name(argument, {name: number}, columns).items()
    ]


def names_numbers_or_tables(
    argument: str, value: Any, columns: tuple[str, str]
) -> list[str | Mapping[str, float] | Table]:
    """One or several: names and paths as texts, mappings and Series without a name as `numbers_by_name` takes them, and
    DataFrames and other Series as tables.

    Parameters
    ----------
    columns
        Of the names and of the numbers in a mapping.

    Raises
    ------
    TypeError
        If one is none of these.
    InputError
        If there is none, or as `numbers_by_name`.
    """
    if isinstance(value, (str, PathLike)):
        return [text(argument, str(value))]
    if hasattr(value, "columns") and hasattr(value, "itertuples"):
        return [Table.of_frame(argument, value)]
    if hasattr(value, "items"):
        if getattr(value, "name", None) is not None:
            return [Table.of_series(argument, value, columns[0])]
        return [numbers_by_name(argument, value, columns)]
    if isinstance(value, bytes) or not isinstance(value, Iterable):
        raise TypeError(
            f"{argument} is {_kind(value)}; give names, or {columns[1]} by {columns[0]} as a mapping or a DataFrame"
        )
    found = [one for item in value for one in names_numbers_or_tables(argument, item, columns)]
    if not found:
        raise InputError(f"{argument} is empty; leave it out, or name one")
    return found


def require_columns(argument: str, frame: Any, wanted: Sequence[str]) -> None:
    """Refuse a DataFrame without the columns.

    Raises
    ------
    InputError
        With the columns that it has.
    """
    has = [str(column) for column in frame.columns]
    for name in wanted:
        if name not in has:
            raise InputError(
                f'{argument}: the DataFrame has no column "{name}"; it has {", ".join(has) or "none"}'
            )
        if has.count(name) > 1:
            raise InputError(f'{argument}: the DataFrame has the column "{name}" twice; keep one')


def _said(argument: str) -> str:
    """A text's argument as who gave it knows it: ``smiles[0]``, or ``--smiles``."""
    name = argument.partition("[")[0]
    typed = named(_TYPED.get(name, name))
    return typed if typed.startswith("--") else argument


def _kind(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"
