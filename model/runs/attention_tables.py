"""The attention of a fitted ensemble as tables of ids, the form in which it goes back into the graph."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import torch

from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.schema import Ends
from pharmagraph.model.metrics.rank_agreement import edge_stability
from pharmagraph.model.presets.relations import RELATIONS
from pharmagraph.model.training.ensemble import Fitted

TABLES: dict[Ends, tuple[str, ...]] = {
    ("Drug", "Gene"): ("drug_from_gene",),
    ("CellLine", "Gene"): ("cell_line_from_gene",),
    ("Drug", "CellLine"): ("drug_from_sensitive", "drug_from_resistant"),
    ("Drug", "Drug"): ("drug_from_drug",),
    ("CellLine", "CellLine"): ("cell_line_from_cell_line",),
}
"""(who looks, what it looks at) → the relations whose messages those are; a message goes the other way."""


def attention_tables(fitted: Fitted, heterograph: Heterograph) -> dict[Ends, pa.Table]:
    """Attention of the last layer in evaluation mode, mean over heads and members.

    Parameters
    ----------
    fitted
        Its messages are all training responses; held-out ones are in none of the tables.
    heterograph
        That it was fitted on: gives the ids.

    Returns
    -------
    dict
        For each pair of kinds a table with ``src`` (who draws the message), ``dst`` (whom it draws it from),
        ``weight`` in [0, 1], ``competitors`` (edges in the same softmax), ``spread`` (standard deviation of the
        weight over members) and ``stability`` (agreement of ``src``'s first 20 between members, see
        `model.metrics.rank_agreement`); both null with one member. Empty where the network has no such relation.
    """
    with torch.inference_mode():
        found = [m.network.attention(fitted.tensors, fitted.messages) for m in fitted.members]  # type: ignore[operator]
    tables = {}
    for ends, relations in TABLES.items():
        parts = []
        by_member: list[np.ndarray] = []
        looks: list[np.ndarray] = []
        for relation in relations:
            members = [attended[relation] for attended in found if relation in attended]
            if not members:
                continue
            weights = np.stack([a.weight.cpu().numpy().astype(np.float64) for a in members])
            source_kind, destination_kind = RELATIONS[relation]
            edges = members[0].edges
            parts.append(
                pa.table(
                    {
                        "src": _ids(heterograph, destination_kind, edges.dst),
                        "dst": _ids(heterograph, source_kind, edges.src),
                        "weight": pa.array(weights.mean(0).clip(0, 1), pa.float64()),
                        "competitors": pa.array(members[0].competitors.cpu().numpy(), pa.int64()),
                        "spread": pa.array(
                            weights.std(0) if len(weights) > 1 else [None] * weights.shape[1], pa.float64()
                        ),
                    }
                )
            )
            by_member.append(weights)
            looks.append(edges.dst.cpu().numpy())
        if not parts:
            tables[ends] = _EMPTY
            continue
        stability = edge_stability(np.concatenate(by_member, axis=1), np.concatenate(looks))
        tables[ends] = pa.concat_tables(parts).append_column(
            "stability", pa.array(stability, pa.float64(), from_pandas=True)
        )
    return tables


_EMPTY = pa.table(
    {
        "src": pa.array([], pa.string()),
        "dst": pa.array([], pa.string()),
        "weight": pa.array([], pa.float64()),
        "competitors": pa.array([], pa.int64()),
        "spread": pa.array([], pa.float64()),
        "stability": pa.array([], pa.float64()),
    }
)


def _ids(heterograph: Heterograph, kind: str, nodes: torch.Tensor) -> pa.Array:
    return pa.array(heterograph.ids[kind][nodes.cpu().numpy()].tolist(), pa.string())
