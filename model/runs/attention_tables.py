"""The attention of a fitted ensemble as attention tables of ids (`kg.attention`), and why a relation has none.

Only attention that predictions draw on is in the tables.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import torch

from pharmagraph.kg.attention import attention_table
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.schema import Ends
from pharmagraph.model.metrics.rank_agreement import edge_stability
from pharmagraph.model.networks.blended_attention import attending_components
from pharmagraph.model.networks.network import Attended
from pharmagraph.model.presets.relations import RELATIONS
from pharmagraph.model.training.fitted import Fitted

TABLES: dict[Ends, tuple[str, ...]] = {
    ("Drug", "Gene"): ("drug_from_gene",),
    ("CellLine", "Gene"): ("cell_line_from_gene",),
    ("Drug", "CellLine"): ("drug_from_sensitive", "drug_from_resistant"),
    ("Drug", "Drug"): ("drug_from_drug",),
    ("CellLine", "CellLine"): ("cell_line_from_cell_line",),
}
"""Labels of (node that attends, node attended to) → the network's relations; their messages go the other way."""


def attention_tables(fitted: Fitted, heterograph: Heterograph) -> dict[Ends, pa.Table]:
    """Attention of the last layer in evaluation mode: the members' mean, each with its heads averaged already.

    Parameters
    ----------
    fitted
        Its messages are made of the training responses, so no held-out response is in a table.
    heterograph
        The graph that it was fitted on: gives the ids.

    Returns
    -------
    dict
        Labels of the ends → attention table. ``spread`` and ``stability`` are over members, and null with one member.
        A relation is absent if the network has none of its kind, or if every component that attends in it has weight
        0 in the prediction of every member. The mean is over the members that draw on the relation.
    """
    with torch.inference_mode():
        found = [m.network.attention(fitted.tensors, fitted.messages) for m in fitted.members]
    tables = {}
    for ends, relations in TABLES.items():
        by_relation = {r: [attended[r] for attended in found if r in attended] for r in relations}
        by_relation = {r: members for r, members in by_relation.items() if members and len(members[0].edges)}
        if by_relation:
            tables[ends] = _table(by_relation, heterograph)
    return tables


def unused_attention(
    fitted: Fitted, tables: Mapping[Ends, pa.Table], *, gene_attention: str
) -> dict[Ends, str]:
    """The relations whose attention has no part in the predictions of a run, each with the reason in one line.

    Parameters
    ----------
    fitted
        The ensemble.
    tables
        `attention_tables` of it.
    gene_attention
        As the run's property of that name: ``targets``, ``network`` or ``none``.
    """
    unused = {
        ends: _why_absent(fitted, relations) for ends, relations in TABLES.items() if ends not in tables
    }
    if gene_attention == "targets":
        unused.pop(("Drug", "Gene"), None)
        if fitted.gene_attention is None:
            unused["Drug", "Gene"] = (
                f"fitted to known targets beside the network; preset {fitted.config.preset} does not predict from it"
            )
        elif not fitted.component_weights().get("gaussian_process", 0.0) > 0:
            unused["Drug", "Gene"] = (
                "fitted to known targets; the component that uses it, gaussian_process, has weight 0 in the prediction"
            )
    return {ends: unused[ends] for ends in TABLES if ends in unused}


def _table(by_relation: Mapping[str, list[Attended]], heterograph: Heterograph) -> pa.Table:
    """One attention table of the relations that join the same labels."""
    parts, weights_of_members, sources = [], [], []
    for relation, members in by_relation.items():
        weights = np.stack([a.weight.cpu().numpy().astype(np.float64) for a in members])
        source_kind, destination_kind = RELATIONS[relation]
        edges = members[0].edges
        columns = {
            "src": heterograph.names(destination_kind, edges.dst.cpu().numpy()),
            "dst": heterograph.names(source_kind, edges.src.cpu().numpy()),
            "weight": weights.mean(0).clip(0, 1),
            "competitors": members[0].competitors.cpu().numpy(),
            "spread": weights.std(0) if len(weights) > 1 else pa.nulls(weights.shape[1], pa.float64()),
        }
        parts.append(attention_table(columns))
        weights_of_members.append(weights)
        sources.append(edges.dst.cpu().numpy())
    stability = edge_stability(np.concatenate(weights_of_members, axis=1), np.concatenate(sources))
    return pa.concat_tables(parts).append_column(
        "stability", pa.array(stability, pa.float64(), from_pandas=True)
    )


def _why_absent(fitted: Fitted, relations: tuple[str, ...]) -> str:
    """Why the predictions draw on no attention in some relations, in one line."""
    weights, messages = fitted.component_weights(), fitted.messages.edges
    if fitted.config.network.kind == "relational":
        weights.setdefault("relational", 0.0)  # where it is left out, it is what would attend to genes
    attending = list(dict.fromkeys(c for r in relations for c in attending_components(r, weights, messages)))
    if not attending:
        return f"the network of preset {fitted.config.preset} has no such attention"
    if any(weights[component] > 0 for component in attending):
        return "the graph has no such edges"
    names = ", ".join(attending)
    why = (
        f"the component that attends there, {names}, has weight 0 in the prediction"
        if len(attending) == 1
        else f"the components that attend there, {names}, have weight 0 in the prediction"
    )
    if weights.get("gaussian_process", 0) > 0 and fitted.config.network.process_states != "never":
        why += "; its messages count only in the node states that gaussian_process compares"
    return why
