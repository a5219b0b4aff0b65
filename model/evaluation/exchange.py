"""Folds and predictions as the files of drevalpy: its models are fitted to our folds, ours stand in its reports.

drevalpy runs in an environment of its own, since it pins other versions of what this package needs; nothing of it is
imported. The layout and the columns are those of its version 1.6 (Bernett, Iversen et al., DrEval; MIT licence).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pharmagraph.kg import folders
from pharmagraph.kg.errors import InputError, ModelError, some
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.kg.wording import named, option
from pharmagraph.model.baselines.features import FOLDED, Features, folded, landmarks
from pharmagraph.model.evaluation.journal import digest
from pharmagraph.model.evaluation.plan import Plan
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.inner_folds import inner_split
from pharmagraph.model.responses.measured import Responses
from pharmagraph.model.responses.splits import Fold

FOREIGN = "drevalpy:"
"""What the name of a model begins with whose predictions drevalpy made."""
MODES = {
    Split.random: "LPO", Split.unseen_cell: "LCO", Split.unseen_tissue: "LTO", Split.unseen_drug: "LDO",
}  # fmt: skip
"""Split → drevalpy's test mode: pairs, cell lines, tissues or drugs are left out."""
RUN = "pharmagraph"
CELL_LINE, DRUG = "cell_line_name", "pubchem_id"
SHORT = 128
"""Bits of the Morgan fingerprint that most models of drevalpy read."""
SET_ASIDE = 0.1
"""Fraction of the training pairs, drugs, cell lines or tissues by which drevalpy's models select, as in drevalpy."""
TOLERANCE = 1e-3
"""Difference of ln IC50 up to which drevalpy's file tells of the same measurement."""


@dataclass(frozen=True)
class Exchange:
    """The folder in which drevalpy and this package find each other's files.

    Attributes
    ----------
    folder
        ``data/`` is drevalpy's ``--path_data``, ``results/`` its ``--path_out``.
    plan
        Of ln IC50, by a split that drevalpy has.
    dataset
        Name of the data set in these folders.
    """

    folder: Path
    plan: Plan
    dataset: str

    @classmethod
    def of(cls, folder: Path, heterograph: Heterograph, plan: Plan) -> Exchange:
        """The exchange of an evaluation.

        Raises
        ------
        ModelError
            If drevalpy has no such split, or no such task.
        """
        if plan.split not in MODES:
            has = ", ".join(split.value for split in MODES)
            raise ModelError(f"drevalpy has no split {plan.split.value}; {named('split')} is one of {has}")
        if plan.task == "classification":
            raise ModelError(f"drevalpy predicts ln IC50 alone; use {option('task', 'regression')}")
        name = re.sub(r"[^A-Za-z0-9+-]", "-", plan.dataset(heterograph))
        return cls(folder, plan, f"{RUN}-{name}")

    @property
    def mode(self) -> str:
        """drevalpy's test mode."""
        return MODES[self.plan.split]

    @property
    def _results(self) -> Path:
        return self.folder / "results" / RUN / self.dataset / self.mode

    def command(self, *models: str) -> str:
        """The command line with which drevalpy fits its models to these folds."""
        names = " ".join(model.removeprefix(FOREIGN) for model in models)
        return (
            f"drevalpy --run_id {RUN} --path_data {self.folder / 'data'} --path_out {self.folder / 'results'} "
            f"--dataset_name {self.dataset} --measure response --no_refitting --test_mode {self.mode} "
            f"--n_cv_splits {self.plan.n_folds} --models {names}"
        )

    def write(
        self, heterograph: Heterograph, measured: Responses, cut: Sequence[Fold], features: Features
    ) -> None:
        """Write the responses, what is known of drugs and cell lines, and the folds.

        Its list of landmark genes is `landmarks` of all measured cell lines, since drevalpy has one list for all folds;
        no response enters.
        """
        table = self._table(heterograph, measured)
        data, ids = self.folder / "data" / self.dataset, heterograph.ids
        _write(data / f"{self.dataset}.csv", table)
        lines = table[[CELL_LINE, "tissue"]].drop_duplicates().sort_values(CELL_LINE)
        # drevalpy drops rows that are alike but for the name: with a tissue alone it would keep one line of each
        _write(data / "cell_line_names.csv", lines.assign(cellosaurus_id=lines[CELL_LINE]))
        drugs = np.unique(measured.drug)
        names = ids["Drug"][drugs].astype(str)
        _write(data / "drug_names.csv", pd.DataFrame({DRUG: names, "drug_name": names}))
        cell_lines = np.unique(measured.cell_line)
        genes = np.flatnonzero(features.expression.any(0))
        expression = pd.DataFrame(
            features.expression[np.ix_(cell_lines, genes)], columns=ids["Gene"][genes].astype(str)
        )
        expression.insert(0, CELL_LINE, ids["CellLine"][cell_lines].astype(str))
        _write(data / "gene_expression.csv", expression)
        chosen = landmarks(features.expression, measured.cell_line)
        listed = pd.DataFrame({"Symbol": ids["Gene"][chosen].astype(str)})
        _write(self.folder / "data" / "meta" / "gene_lists" / "landmark_genes.csv", listed)
        bits = features.fingerprint[drugs]
        for width in (FOLDED, SHORT):
            rows = folded(bits > 0, width).astype(np.int8)
            file = data / "drug_fingerprints" / f"pubchem_id_to_demorgan_{width}_map.csv"
            _write(file, pd.DataFrame(rows.T, columns=names))
        self._write_folds(table, measured, cut, self.plan.groups(heterograph))

    def _write_folds(
        self, table: pd.DataFrame, measured: Responses, cut: Sequence[Fold], groups: Groups
    ) -> None:
        """A fold is five files: what is trained on, two parts that select, both together, and what is tested."""
        place = self._results / "splits"
        for number, fold in enumerate(cut):
            early, other = (
                fold.train[
                    inner_split(
                        measured.take(fold.train), self.plan.asked_as, fraction=SET_ASIDE / 2,
                        seed=1000 * self.plan.seed, number=half, groups=groups,
                    ).test
                ]
                for half in (0, 1)
            )  # fmt: skip
            aside = np.union1d(early, other)
            parts = {
                "train": np.setdiff1d(fold.train, aside), "validation": aside, "test": fold.test,
                "validation_es": other, "early_stopping": early,
            }  # fmt: skip
            for role, rows in parts.items():
                _write(place / f"cv_split_{number}_{role}.csv", table.iloc[rows])
        manifest = {"split_label": self.mode, "test_mode": self.mode, "n_cv_splits": len(cut), "splits": []}
        with folders.whole(place / "split_manifest.json") as file:
            file.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")

    def keep(
        self, heterograph: Heterograph, test: Responses, number: int, model: str, predicted: np.ndarray
    ) -> None:
        """Write a model's predictions of a fold where drevalpy's reports look for them."""
        name = re.sub(r"[^A-Za-z0-9-]", "-", Path(model).stem)
        table = self._table(heterograph, test).assign(predictions=predicted)
        _write(self._predictions(name, number), table)

    def read(self, heterograph: Heterograph, test: Responses, number: int, model: str) -> np.ndarray:
        """The predictions that drevalpy made of a fold's held-out pairs, in our order, float64 (n_test,).

        Raises
        ------
        InputError
            If the file is missing or of other columns, pairs or responses.
        """
        file = self._predictions(model.removeprefix(FOREIGN), number)
        if not file.is_file():
            raise InputError(
                f"{file} is missing; run drevalpy in an environment of its own: {self.command(model)}"
            )
        found = pd.read_csv(file, dtype={CELL_LINE: str, DRUG: str})
        missing = [name for name in (CELL_LINE, DRUG, "response", "predictions") if name not in found.columns]
        if missing:
            raise InputError(f"{file} has no column {some(missing)}; give drevalpy's file of predictions")
        wanted = self._table(heterograph, test)
        pairs, asked = (pd.MultiIndex.from_frame(table[[DRUG, CELL_LINE]]) for table in (found, wanted))
        if pairs.has_duplicates:
            raise InputError(f"{file} predicts {_name(pairs[pairs.duplicated()])} more than once")
        for these, those, what in ((asked, pairs, "does not predict"), (pairs, asked, "predicts")):
            if len(other := these.difference(those)):
                of = "which is held out" if what.startswith("does") else "which is not held out"
                raise InputError(
                    f"{file} {what} {_name(other)}, {of} in fold {number}; run drevalpy on the folds of {self.folder}"
                )
        found = found.set_index(pairs).loc[asked]
        apart = np.abs(found["response"].to_numpy(float) - wanted["response"].to_numpy(float)) > TOLERANCE
        if apart.any():
            raise InputError(
                f"{file} has another response of {_name(asked[apart])} than the graph; is it of other data?"
            )
        predicted: np.ndarray = found["predictions"].to_numpy(np.float64)
        return predicted

    def digest(self, model: str) -> str:
        """A hash of the predictions that drevalpy made with a model, by which a later run of it is told."""
        files = (self._predictions(model.removeprefix(FOREIGN), n) for n in range(self.plan.n_folds))
        return digest([file.read_text(encoding="utf-8") if file.is_file() else "" for file in files])

    def _predictions(self, model: str, number: int) -> Path:
        return self._results / model / "predictions" / f"predictions_split_{number}.csv"

    def _table(self, heterograph: Heterograph, measured: Responses) -> pd.DataFrame:
        """Pairs in drevalpy's columns; the response is ln IC50 in ln(µmol/l)."""
        tissue = heterograph.nodes["CellLine"]["tissue"].numpy()[measured.cell_line]
        names = np.array([*heterograph.tissues, "unknown"], object)
        return pd.DataFrame(
            {
                CELL_LINE: heterograph.ids["CellLine"][measured.cell_line].astype(str),
                DRUG: heterograph.ids["Drug"][measured.drug].astype(str),
                "response": measured.ln_ic50.astype(np.float64),
                "tissue": names[tissue],
            }
        )


def _write(file: Path, table: pd.DataFrame) -> None:
    """A CSV file, which appears whole or not at all."""
    with folders.whole(file) as place:
        table.to_csv(place, index=False, float_format="%.9g")


def _name(pairs: pd.MultiIndex) -> str:
    drug, cell_line = pairs[0]
    return f"{drug} on {cell_line}" + (f" and {len(pairs) - 1:,} other pairs" if len(pairs) > 1 else "")
