"""Studies go on where they were cut off, draw the same trials again, and never read the held-out fold."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.evaluation import tuning
from pharmagraph.model.evaluation.plan import Plan
from pharmagraph.model.presets.choices import Split
from pharmagraph.model.presets.config import load_preset
from tests.screens import screen

torch.set_num_threads(1)
PLAN = Plan(
    Split.random,
    5,
    changes={
        "training": {"epochs": 1, "members": 1, "validate_every": 1, "untested_pairs": 20},
        "network": {"channels": 8, "heads": 2, "layers": 1, "n_associated_genes": 4},
    },
)


@pytest.mark.once
def test_study_goes_on_as_if_it_had_not_been_cut_off(tmp_path: Path) -> None:
    whole = tuning.tune(screen(), "fast", PLAN, fold=0, trials=3, file=tmp_path / "a.jsonl")
    tuning.tune(screen(), "fast", PLAN, fold=0, trials=1, file=tmp_path / "b.jsonl")
    again = tuning.tune(screen(), "fast", PLAN, fold=0, trials=3, file=tmp_path / "b.jsonl")
    assert [(t.options, t.value) for t in again] == [(t.options, t.value) for t in whole]
    assert len({str(t.options) for t in whole}) == 3
    own = load_preset("fast")
    assert whole[0].options["training.learning_rate"] == own.training.learning_rate
    assert whole[0].options["network.channels"] == own.network.channels
    tuning.write_preset(tmp_path / "best.yaml", "fast", whole)
    best = max(whole, key=lambda t: t.value)
    config = load_preset(str(tmp_path / "best.yaml"))
    assert config.training.learning_rate == pytest.approx(best.options["training.learning_rate"])
    with pytest.raises(ModelError, match="belongs to a study of other data, another preset"):
        tuning.tune(screen(), "fast", PLAN, fold=1, trials=1, file=tmp_path / "a.jsonl")


@pytest.mark.once
def test_study_that_is_cut_off_in_its_first_trial_begins_with_the_preset_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tuning.tune(screen(), "fast", PLAN, fold=0, trials=2, file=tmp_path / "a.jsonl")

    def cut_off(*_: object) -> float:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tuning, "_figure", cut_off)
        with pytest.raises(KeyboardInterrupt):
            tuning.tune(screen(), "fast", PLAN, fold=0, trials=2, file=tmp_path / "b.jsonl")
    again = tuning.tune(screen(), "fast", PLAN, fold=0, trials=2, file=tmp_path / "b.jsonl")
    assert [(t.options, t.value) for t in again] == [(t.options, t.value) for t in whole]


def test_labels_of_the_held_out_fold_change_no_trial(tmp_path: Path) -> None:
    heterograph = screen()
    measured, cut = PLAN.cut(heterograph)
    first = tuning.tune(heterograph, "fast", PLAN, fold=0, trials=1, file=tmp_path / "a.jsonl")
    tested = heterograph.relations["Drug", "TESTED_ON", "CellLine"]
    response = tested.features["response"]
    held_out = measured.drug[cut[0].test] * 1000 + measured.cell_line[cut[0].test]
    rows = torch.isin(tested.src * 1000 + tested.dst, torch.from_numpy(held_out))
    changed = screen()
    changed_response = changed.relations["Drug", "TESTED_ON", "CellLine"].features["response"]
    assert torch.equal(changed_response, response)
    plan_of_fold = _FixedCut(PLAN, measured, cut)
    changed_response[rows] = 1 - response[rows]
    second = tuning.tune(changed, "fast", plan_of_fold, fold=0, trials=1, file=tmp_path / "b.jsonl")  # type: ignore[arg-type]
    assert first[0].value == second[0].value


class _FixedCut:
    """A plan whose folds stay what they were, with labels read anew: so only what tuning reads can differ."""

    def __init__(self, plan: Plan, measured: object, cut: object) -> None:
        self._plan, self._cut = plan, cut

    def __getattr__(self, name: str) -> object:
        return getattr(self._plan, name)

    def cut(self, heterograph: object) -> object:
        from pharmagraph.model.responses.measured import responses

        return responses(heterograph), self._cut  # type: ignore[arg-type]
