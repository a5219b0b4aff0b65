"""One change of a graph that a prediction is asked for: a gene's expression, mutation, or part as a known target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pharmagraph.kg.errors import InputError

NEW_DRUG, NEW_CELL_LINE = "(new drug)", "(new cell line)"
"""What rows call entities that are not in the graph."""

LARGEST = 3.4028234663852886e38
"""Largest float32."""


@dataclass(frozen=True)
class Change:
    """One change of the graph.

    Attributes
    ----------
    gene
        Symbol.
    kind
        ``expression`` in the cell line, ``mutation`` of it there, or ``target``: whether it is a known one of the drug.
    value
        z (standard deviations) for expression, None for the least that any cell line has; 1 or 0 otherwise.
    """

    gene: str
    kind: Literal["expression", "mutation", "target"]
    value: float | None

    def __str__(self) -> str:
        if self.kind == "expression":
            return f"{self.gene} {'silenced' if self.value is None else f'z = {self.value:g}'}"
        if self.kind == "mutation":
            return f"{self.gene} {'mutated' if self.value else 'not mutated'}"
        return f"{self.gene} {'a' if self.value else 'no'} target"


def require_float32(what: str, value: float) -> None:
    """Raise InputError where a value is too large for float32, in which graphs keep it."""
    if abs(value) > LARGEST:
        raise InputError(f"{what} is {value:g}, which no float32 holds; give a smaller one")
