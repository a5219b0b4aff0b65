"""Reads measured responses of drugs and compares them between two groups of cell lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import InputError, NotFoundError, some
from pharmagraph.kg.names import index
from pharmagraph.kg.store import GraphStore
from pharmagraph.kg.wording import named
from pharmagraph.model.contrasts.groups import Contrast, Note, contrasts
from pharmagraph.model.metrics.false_discovery import benjamini_hochberg
from pharmagraph.model.metrics.two_samples import TwoSamples

LEAST = 3
"""Cell lines with a measured response that each group needs."""

_MEASURED = """
MATCH (d:Drug)-[t:TESTED_ON]->(c:CellLine)
WHERE t.ln_ic50 IS NOT NULL AND t.gone IS NULL AND ($drug = '' OR d.id = $drug)
RETURN d.id AS drug, d.name AS name, t.dataset AS dataset, collect(c.id) AS cell_lines, collect(t.ln_ic50) AS ln_ic50
ORDER BY drug, dataset
"""
_DATASETS = """
MATCH (:Drug)-[t:TESTED_ON]->(:CellLine) WHERE t.ln_ic50 IS NOT NULL AND t.gone IS NULL
RETURN DISTINCT t.dataset AS dataset
"""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Compared:
    """One drug in two groups of cell lines.

    Attributes
    ----------
    drug
        Its name.
    group, other
        What the groups are called.
    samples
        How their ln IC50 (ln µmol/l) differ.
    q
        ``samples.p`` by Benjamini and Hochberg over what is compared; None if that is one drug in one contrast.
    values, other_values
        ln IC50 of the cell lines of both groups, sorted.
    """

    drug: str
    group: str
    other: str
    samples: TwoSamples
    q: float | None
    values: Floats
    other_values: Floats

    @property
    def direction(self) -> str:
        """Which way the first group differs: ``sensitive``, ``resistant`` or, without a difference, ``neither``."""
        figure = self.samples.rank_biserial
        return "sensitive" if figure > 0 else "resistant" if figure < 0 else "neither"

    def __str__(self) -> str:
        """A sentence with the intervals of 95%."""
        s = self.samples
        (low, high), (least, most) = s.shift_interval, s.auroc_interval
        interval = f" ({low:.2f} to {high:.2f})" if math.isfinite(low) else ""
        return (
            f"{self.drug}: ln IC50 is shifted by {s.shift:.2f}{interval}; a line of {self.group} is more sensitive "
            f"than one of {self.other} with probability {s.auroc:.2f} ({least:.2f} to {most:.2f}), rank-biserial "
            f"correlation {s.rank_biserial:.2f}; p {s.p:.2g}."
        )

    def row(self) -> dict[str, Any]:
        """All figures by column."""
        s = self.samples
        return {
            "drug": self.drug, "group": self.group, "other": self.other, "n": s.n, "n_other": s.n_other,
            "median": s.median, "median_other": s.median_other, "shift": s.shift,
            "shift_low": s.shift_interval[0], "shift_high": s.shift_interval[1], "auroc": s.auroc,
            "auroc_low": s.auroc_interval[0], "auroc_high": s.auroc_interval[1],
            "rank_biserial": s.rank_biserial, "p": s.p, "q": self.q, "direction": self.direction,
        }  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What was compared, the smallest p first.

    Attributes
    ----------
    dataset
        Id of the dataset of the responses.
    rows
        Compared drugs, or tissues.
    """

    dataset: str
    rows: Sequence[Compared]


def compare(
    store: GraphStore, by: str, *, drug: str | None = None, dataset: str | None = None, note: Note
) -> Result:
    """Compare measured responses between two groups of cell lines.

    Parameters
    ----------
    store
        Open.
    by
        The groups, as `groups.contrasts` takes them.
    drug
        Any name of a drug; by default all drugs.
    dataset
        Of the responses; needed where several have some, since their ln IC50 are not on one scale.
    note
        Is told what is left out.

    Raises
    ------
    InputError
        If a group has too few cell lines, no response is measured, or several datasets have some.
    NotFoundError
        If there is no such drug, gene, tissue or dataset.
    """
    asked = contrasts(store, by, note)
    if drug is None and len(asked) > 1:
        raise InputError(
            f"{named('by')} {by} compares each tissue for one drug; give {named('drug')}, or one tissue as in "
            f"tissue:{asked[0].group}"
        )
    id_ = index(store, "Drug").require(drug) if drug is not None else ""
    measured = store.rows(_MEASURED, {"drug": id_})
    chosen = _dataset({row["dataset"] for row in measured}, dataset, store, drug)
    found, few = [], []
    for row in measured:
        if row["dataset"] != chosen:
            continue
        values = np.array(row["ln_ic50"], np.float64)
        for contrast in asked:
            own, others = (
                np.sort(values[[line in lines for line in row["cell_lines"]]])
                for lines in (contrast.lines, contrast.other_lines)
            )
            if min(len(own), len(others)) < LEAST:
                few.append((row["name"], contrast, len(own), len(others)))
            else:
                found.append((row["name"], contrast, own, others))
    if not found:
        _refuse(few, chosen)
    if few:
        left_out = sorted({name if drug is None else contrast.group for name, contrast, *_ in few})
        what, are = ("drug", "is") if len(left_out) == 1 else ("drugs", "are")
        what = what if drug is None else what.replace("drug", "tissue")
        note(
            f"{len(left_out)} {what} with fewer than {LEAST} cell lines in a group {are} left out: {some(left_out)}"
        )
    return Result(chosen, _tested(found))


def _tested(found: Sequence[tuple[str, Contrast, Floats, Floats]]) -> list[Compared]:
    samples = [TwoSamples.of(own, others) for _, _, own, others in found]
    q = benjamini_hochberg(np.array([s.p for s in samples])).tolist()
    compared = [
        Compared(name, contrast.group, contrast.other, s, one if len(found) > 1 else None, own, others)
        for (name, contrast, own, others), s, one in zip(found, samples, q, strict=True)
    ]
    return sorted(compared, key=lambda c: (c.samples.p, -abs(c.samples.rank_biserial), c.drug, c.group))


def _refuse(few: Iterable[tuple[str, Contrast, int, int]], dataset: str) -> None:
    """Raise InputError with the contrast that has the most cell lines in its smaller group."""
    name, contrast, n, n_other = max(few, key=lambda one: min(one[2:]))
    raise InputError(
        f"{name} was measured in {dataset} on {n} cell lines of the group {contrast.group} and {n_other} of "
        f"{contrast.other}; each group needs at least {LEAST}"
    )


def _dataset(having: set[str], wanted: str | None, store: GraphStore, drug: str | None) -> str:
    """The one dataset whose responses are compared."""
    if wanted is None and len(having) > 1:
        raise InputError(
            f"responses of {' and '.join(sorted(having))} are not on one scale; give {named('dataset')} with one of "
            "them"
        )
    if wanted in having or (wanted is None and having):
        return wanted if wanted is not None else next(iter(having))
    every = sorted(row["dataset"] for row in store.rows(_DATASETS))
    if wanted is not None and wanted not in every:
        raise NotFoundError("dataset of ln IC50", wanted, every, "see: cli query coverage")
    what = f"{drug} has" if drug is not None else "the graph has"
    raise InputError(
        f"{what} no measured ln IC50{f' in {wanted}' if wanted else ''}; see: cli query coverage"
    )
