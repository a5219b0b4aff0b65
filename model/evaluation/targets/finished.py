"""A file of finished folds, one JSON object per line, so that an evaluation that was cut off goes on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.model.evaluation.targets.recovery import Recovery
from pharmagraph.model.evaluation.targets.truth import Truth
from pharmagraph.model.targets.fitting import Settings
from pharmagraph.model.targets.problem import TargetProblem


@dataclass(frozen=True)
class Finished:
    """The finished folds of one evaluation; entries of other evaluations in the same file are left alone.

    Attributes
    ----------
    path
        The file; None keeps nothing.
    key
        Graph, targets, split, seed and settings, which identify the evaluation.
    figures
        (fold, model) → metrics.
    """

    path: Path | None
    key: str
    figures: dict[tuple[int, str], Recovery] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        path: Path | None,
        problem: TargetProblem,
        split: str,
        n_folds: int,
        seed: int,
        settings: Settings,
        truth: Truth | None,
    ) -> Finished:
        """Read the entries of an evaluation."""
        digest = hashlib.sha256(json.dumps([split, n_folds, seed, asdict(settings)]).encode())
        evidence = problem.evidence
        arrays = [
            problem.known,
            evidence.genes,
            evidence.drug_similarity,
            evidence.association,
            evidence.profile,
            evidence.dependence,
        ]
        arrays += [evidence.links.indices, evidence.membership.indices]
        arrays += [evidence.homology.indices, evidence.homology.data]
        arrays += [] if truth is None else [truth.active, truth.inactive]
        for array in arrays:
            digest.update(np.ascontiguousarray(array).tobytes())
        found = cls(path, digest.hexdigest()[:16])
        if path is None or not path.is_file():
            return found
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:  # an incomplete line, written when the work was cut off
                continue
            if entry["of"] == found.key:
                found.figures[entry["fold"], entry["model"]] = _figures(entry)
        return found

    def get(self, fold: int, model: str) -> Recovery | None:
        """The metrics of a fold and model, if they are in the file."""
        return self.figures.get((fold, model))

    def add(self, fold: int, model: str, figures: Recovery) -> None:
        """Append the metrics of a fold and model to the file."""
        if self.path is None:
            return
        entry = {
            "of": self.key, "fold": fold, "model": model, "drugs": figures.drugs.tolist(),
            "per_drug": {m: v.tolist() for m, v in figures.per_drug.items()}, "pooled": figures.pooled,
        }  # fmt: skip
        self.path.parent.mkdir(parents=True, exist_ok=True)
        cut_off = (
            self.path.is_file()
            and not self.path.read_text(encoding="utf-8").endswith("\n")
            and self.path.stat().st_size
        )
        with self.path.open("a", encoding="utf-8") as file:
            file.write(("\n" if cut_off else "") + json.dumps(entry) + "\n")


def _figures(entry: dict[str, Any]) -> Recovery:
    per_drug = {m: np.array(v, np.float64) for m, v in entry["per_drug"].items()}
    return Recovery(np.array(entry["drugs"], np.int64), per_drug, entry["pooled"])
