"""The mean effects of DrEval and the metrics that it normalises by them: what is left of a prediction without means.

Bernett, Iversen et al., DrEval, and version 1.6 of its package drevalpy (MIT licence): ``NaiveMeanEffectsPredictor``,
``_normalize_metrics_by_mean_effects`` and the metrics of ``drevalpy.evaluation``. The definitions are DrEval's; the
code is not.
"""

from __future__ import annotations

import numpy as np

from pharmagraph.model.metrics.scores import Metric, pearson, r2, spearman

TOLERANCE = 1e-6
"""Predictions that differ by less from one another are one constant to DrEval."""


def mean_effects(
    target: np.ndarray,
    of: tuple[np.ndarray, np.ndarray],
    asked: tuple[np.ndarray, np.ndarray],
    sizes: tuple[int, int],
    tissue: np.ndarray,
) -> np.ndarray:
    """Overall mean + drug effect + tissue effect + what is left to the cell line, float64 (n_asked,).

    The effect of a drug, or a tissue, is its mean minus the overall mean; that of a cell line its mean minus the mean
    of its tissue, or minus the overall mean where the tissue is unknown. Means are of training pairs, without
    shrinkage. An entity without training pairs has no effect, so an unseen cell line of a known tissue is predicted by
    its tissue.

    Parameters
    ----------
    target
        Labels of the training pairs.
    of, asked
        Drug and cell-line numbers of the training pairs, and of the pairs to predict.
    sizes
        Numbers of drugs and cell lines.
    tissue
        Code of each cell line's tissue, int (n_cell_lines,); -1 unknown.
    """
    target = target.astype(np.float64)
    overall = target.mean()
    code = np.where(tissue >= 0, tissue, tissue.max(initial=-1) + 1)
    drugs, cell_lines = (_means(rows, target, n, overall) for rows, n in zip(of, sizes, strict=True))
    by_tissue = _means(code[of[1]], target, int(code.max(initial=0)) + 1, overall)
    by_tissue[tissue.max(initial=-1) + 1 :] = overall
    seen = np.bincount(of[1], minlength=sizes[1]) > 0
    of_line = by_tissue[code] + np.where(seen, cell_lines - by_tissue[code], 0.0)
    expected: np.ndarray = drugs[asked[0]] + of_line[asked[1]] - overall
    return expected


def kendall(value: np.ndarray, predicted: np.ndarray) -> float:
    """Kendall's τ-b; NaN if one side is constant."""
    from scipy.stats import kendalltau

    return float(kendalltau(value, predicted).statistic)


NORMALISED: dict[str, Metric] = {"r2": r2, "pearson": pearson, "spearman": spearman, "kendall": kendall}
"""The metrics that DrEval normalises."""


def normalised(target: np.ndarray, predicted: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """Each of `NORMALISED` between target and prediction after the mean effects are taken out of both.

    As in DrEval, predictions that are the mean effects, up to a constant, correlate by 0.

    Parameters
    ----------
    target, predicted
        ln IC50 of held-out pairs and their predictions, (n,).
    expected
        `mean_effects` of these pairs, fitted to the training pairs of the same fold.
    """
    truth, said = target - expected, predicted - expected
    found = {name: metric(truth, said) for name, metric in NORMALISED.items()}
    if len(said) and np.allclose(said, said[0], atol=TOLERANCE):
        found |= dict.fromkeys(("pearson", "spearman", "kendall"), 0.0)
    return found


def _means(rows: np.ndarray, target: np.ndarray, n: int, overall: float) -> np.ndarray:
    """Mean of each entity, the overall mean where there are no pairs, float64 (n,)."""
    count = np.bincount(rows, minlength=n)
    total = np.bincount(rows, target, minlength=n)
    return np.where(count > 0, total / np.maximum(count, 1), overall)
