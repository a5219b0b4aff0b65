"""Audit of a fold: checks every way by which a held-out response could reach training.

It compares positions, entities and features; it trains nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch

from pharmagraph.kg.errors import ModelError, some
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.splits import Fold

TESTED_ON = ("Drug", "TESTED_ON", "CellLine")


@dataclass(frozen=True)
class Check:
    """Result of the check of one path.

    Attributes
    ----------
    path
        A sentence that says what would leak.
    verdict
        ``clear``; ``leak``; or ``noted`` if something was found that the split allows.
    count
        Number of pairs, entities or tensors found on the path.
    examples
        The first of them, by name.
    """

    path: str
    verdict: Literal["clear", "noted", "leak"]
    count: int
    examples: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        """The check as a JSON object."""
        return {**asdict(self), "examples": list(self.examples)}


def audit(
    measured: Responses, fold: Fold, heterograph: Heterograph, split: Split, *, groups: Groups
) -> list[Check]:
    """Check every path from held-out pairs to training pairs.

    Parameters
    ----------
    measured
        The pairs whose positions are in the fold.
    groups
        Near twins (`Groups`), even if the fold was cut by other groups.

    Returns
    -------
    list of Check
        One check for each path, also where nothing was found.
    """
    train, test = measured.take(fold.train), measured.take(fold.test)
    drug_ids, cell_line_ids = heterograph.ids["Drug"], heterograph.ids["CellLine"]
    n = measured.n_cell_lines

    def pairs(drug: np.ndarray, cell_line: np.ndarray) -> list[str]:
        return [f"{drug_ids[d]} on {cell_line_ids[c]}" for d, c in zip(drug[:3], cell_line[:3], strict=True)]

    def check(path: str, found: Sequence[str] | np.ndarray, examples: Sequence[str], allowed: bool) -> Check:
        verdict: Literal["clear", "noted", "leak"] = (
            "clear" if not len(found) else "noted" if allowed else "leak"
        )
        return Check(path, verdict, len(found), tuple(map(str, examples[:3])))

    both = np.intersect1d(fold.train, fold.test)
    known = np.isin(test.drug * n + test.cell_line, train.drug * n + train.cell_line)
    found = [
        check(
            "a pair is trained on and tested",
            both,
            pairs(measured.drug[both], measured.cell_line[both]),
            False,
        ),
        check(
            "a tested pair is measured again in training",
            test.drug[known],
            pairs(test.drug[known], test.cell_line[known]),
            False,
        ),
    ]
    unseen_drug, unseen_cell = split.of_unseen_drugs, split.of_unseen_cell_lines
    for kind, ids, held, seen, group, is_unseen in (
        ("drug", drug_ids, test.drug, train.drug, groups.drug, unseen_drug),
        ("cell line", cell_line_ids, test.cell_line, train.cell_line, groups.cell_line, unseen_cell),
    ):
        if not is_unseen:
            continue
        same = np.intersect1d(held, seen)
        found.append(check(f"a tested {kind} has training pairs", same, list(ids[same]), False))
        entities = np.setdiff1d(held, same)
        twins = entities[np.isin(group[entities], group[seen])]
        found.append(
            check(f"a near twin of a tested {kind} has training pairs", twins, list(ids[twins]), False)
        )
    if split is Split.unseen_tissue:
        tissue = heterograph.nodes["CellLine"]["tissue"].numpy()
        held, seen = np.unique(tissue[test.cell_line]), np.unique(tissue[train.cell_line])
        same = np.intersect1d(held[held >= 0], seen)
        names = [heterograph.tissues[code] for code in same]
        found.append(check("a tested tissue has training pairs", same, names, False))
        unknown = np.unique(test.cell_line[tissue[test.cell_line] < 0])
        found.append(
            check("a tested cell line has no known tissue", unknown, list(cell_line_ids[unknown]), False)
        )
    if not unseen_drug:
        alike = np.isin(
            groups.drug[test.drug] * n + test.cell_line, groups.drug[train.drug] * n + train.cell_line
        )
        alike &= ~known
        found.append(
            check(
                "a near twin of the tested drug was trained on with the same cell line",
                test.drug[alike],
                pairs(test.drug[alike], test.cell_line[alike]),
                True,
            )
        )
    if not unseen_cell:
        of = int(groups.cell_line.max(initial=0)) + 1
        alike = np.isin(
            test.drug * of + groups.cell_line[test.cell_line],
            train.drug * of + groups.cell_line[train.cell_line],
        )
        alike &= ~known
        found.append(
            check(
                "a near twin of the tested cell line was trained on with the same drug",
                test.drug[alike],
                pairs(test.drug[alike], test.cell_line[alike]),
                True,
            )
        )
    return found


def audit_inner(training: Responses, inner: Fold, test: Responses) -> Check:
    """Check that no pair that an inner fold selects by is held out in the outer fold, or trained on at the same
    time."""
    n = training.n_cell_lines
    of_test = test.drug * n + test.cell_line
    pairs = training.drug * n + training.cell_line
    wrong = np.union1d(
        np.intersect1d(pairs[inner.train], pairs[inner.test]), np.intersect1d(pairs[inner.test], of_test)
    )
    return Check(
        "a pair that selects is tested, or trained on while it selects",
        "leak" if len(wrong) else "clear",
        len(wrong),
    )


def audit_features(heterograph: Heterograph, build: Callable[[Heterograph], object]) -> Check:
    """Check that no feature and no similarity depends on a response.

    ``build`` makes them twice, the second time from a graph in which every class is inverted and every ln IC50 and AUC
    is another. No bit of the result may differ.
    """
    tested, generator = heterograph.relations[TESTED_ON], torch.Generator().manual_seed(0)
    value = {
        name: torch.randn(tested.features[name].shape, generator=generator) * 10
        for name in ("ln_ic50", "auc")
    }
    response = tested.features["response"]
    value["response"] = torch.where(response < 0, response, 1 - response)
    first = build(heterograph)
    second = build(heterograph.with_relation(TESTED_ON, tested.with_features(value)))
    moved = [
        name for name, tensor in _tensors(first).items() if not torch.equal(tensor, _tensors(second)[name])
    ]
    return Check(
        "a feature or a similarity depends on responses",
        "leak" if moved else "clear",
        len(moved),
        tuple(moved[:3]),
    )


def require_clear(checks: Sequence[Check], where: str) -> None:
    """Refuse a fold that leaks.

    Raises
    ------
    ModelError
        Naming the first leak.
    """
    for found in checks:
        if found.verdict == "leak":
            names = some(list(found.examples)) if found.examples else "see the audit"
            raise ModelError(
                f"{where} leaks: {found.path} ({found.count:,}: {names}); its figures would mean nothing"
            )


def _tensors(inputs: object) -> dict[str, torch.Tensor]:
    found = {}
    for name, value in vars(inputs).items():
        if isinstance(value, torch.Tensor):
            found[name] = value
        else:
            found |= {f"{name}.{part}": tensor for part, tensor in vars(value).items()}
    return found
