"""Values of a query's answer, as Arrow holds them."""

from __future__ import annotations

import json
from typing import Any

import neo4j.graph
import pyarrow as pa


def plain(value: Any) -> Any:
    """A value of a result without the driver's types."""
    if isinstance(value, (neo4j.graph.Node, neo4j.graph.Relationship)):
        labels = (
            {"label": next(iter(sorted(value.labels)), None)}
            if isinstance(value, neo4j.graph.Node)
            else {"type": value.type}
        )
        return {**labels, **{k: plain(v) for k, v in sorted(value.items())}}
    if isinstance(value, neo4j.graph.Path):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if hasattr(value, "to_native"):
        return value.to_native()
    return value if isinstance(value, (str, int, float, bool, bytes, type(None))) else str(value)


def column(values: list[Any]) -> pa.Array:
    """A column; values that have no common Arrow type become JSON text."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array(
            [v if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in values], pa.string()
        )
