"""The attention for response as attention tables: the genes that decide a drug's predictions, and a cell line's.

As between similar drugs, the size of a contribution is how much is attended: a gene's weight is its share of what genes
give to the predictions for a drug, or for a cell line.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import torch

from pharmagraph.kg.attention import attention_table
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.runs import TOP_K
from pharmagraph.kg.schema import Ends
from pharmagraph.model.inputs.views import GENE_FEATURES
from pharmagraph.model.metrics.rank_agreement import edge_stability
from pharmagraph.model.training.gene_effects import EnsembleEffects


def response_tables(
    effects: EnsembleEffects, heterograph: Heterograph, q: np.ndarray | None = None
) -> dict[Ends, pa.Table]:
    """Attention of drugs to genes, and of cell lines to genes, by what genes give to predictions.

    Parameters
    ----------
    effects
        Of the ensemble.
    heterograph
        The graph that it was fitted on: gives the ids.
    q
        False discovery rates of the pairs of ``effects`` (`response_null.association_q`); None if none were asked for.

    Returns
    -------
    dict
        Labels of the ends → attention table, its rows of the objective ``response``. ``effect`` of a drug is the change
        of its predictions for one unit of the feature, larger being more sensitive, in logits or in the drug's
        deviations of ln IC50; that of a cell line is what the feature adds to its predictions, mean over drugs.
    """
    return {
        ("Drug", "Gene"): _of_drugs(effects, heterograph, q),
        ("CellLine", "Gene"): _of_cell_lines(effects, heterograph),
    }


def _of_drugs(effects: EnsembleEffects, heterograph: Heterograph, q: np.ndarray | None) -> pa.Table:
    pairs, features = effects.pairs, effects.pairs.features
    drug, column = pairs.drug.cpu().numpy(), pairs.column.cpu().numpy()
    size = effects.effect.abs()
    whole = size.new_zeros(len(size), pairs.n_drugs).index_add(1, pairs.drug, size)[:, pairs.drug]
    weight = (size / whole.clamp(min=torch.finfo(size.dtype).tiny)).cpu().numpy().astype(np.float64)
    unit = features.deviation[pairs.column] * effects.unit[pairs.drug]
    effect = (effects.effect.mean(0) / unit).cpu().numpy()
    table = _table(
        heterograph, "Drug", drug, features.gene.cpu().numpy()[column], features.kind.cpu().numpy()[column],
        weight=weight, effect=effect, competitors=np.bincount(drug)[drug],
    )  # fmt: skip
    return table if q is None else table.append_column("q", pa.array(q))


def _of_cell_lines(effects: EnsembleEffects, heterograph: Heterograph) -> pa.Table:
    """A cell line's first `TOP_K` features; those of all drugs at once have the size of its values times effects."""
    pairs, features = effects.pairs, effects.pairs.features
    n_members, n_columns = len(effects.effect), pairs.values.shape[1]
    in_units = effects.effect / effects.unit[pairs.drug]
    size, signed = (
        part.new_zeros(n_members, n_columns).index_add(1, pairs.column, part) / max(pairs.n_drugs, 1)
        for part in (in_units.abs(), in_units)
    )
    each = pairs.values.abs()[None] * size[:, None]  # (n_members, n_cell_lines, n_columns)
    weight = each / each.sum(2, keepdim=True).clamp(min=torch.finfo(each.dtype).tiny)
    k = min(TOP_K, n_columns)
    column = weight.mean(0).topk(k, dim=1).indices
    cell_line = torch.arange(len(column), device=column.device)[:, None].expand_as(column)
    kept = weight[:, cell_line, column].mean(0) > 0
    column, cell_line = column[kept], cell_line[kept]
    effect = signed.mean(0)[column] * pairs.values[cell_line, column]
    return _table(
        heterograph, "CellLine", cell_line.cpu().numpy(), features.gene[column].cpu().numpy(),
        features.kind[column].cpu().numpy(), weight=weight[:, cell_line, column].cpu().numpy().astype(np.float64),
        effect=effect.cpu().numpy(), competitors=np.full(len(column), n_columns),
    )  # fmt: skip


def _table(
    heterograph: Heterograph,
    label: str,
    node: np.ndarray,
    gene: np.ndarray,
    kind: np.ndarray,
    *,
    weight: np.ndarray,
    effect: np.ndarray,
    competitors: np.ndarray,
) -> pa.Table:
    """The table of edges, with weights by network, (n_members, n_edges)."""
    n = len(node)
    return attention_table(
        {
            "src": heterograph.names(label, node).dictionary_encode(),
            "dst": heterograph.names("Gene", gene).dictionary_encode(),
            "weight": weight.mean(0).clip(0, 1),
            "competitors": competitors,
            "spread": weight.std(0) if len(weight) > 1 else pa.nulls(n, pa.float64()),
            "stability": edge_stability(weight, node),
            "objective": pa.array(["response"] * n),
            "feature": pa.array([GENE_FEATURES[k] for k in kind], pa.string()),
            "effect": effect.astype(np.float64),
        }
    )
