"""What `cli train` says of the parts of a prediction."""

from __future__ import annotations

from pharmagraph.model.presets.config import load_preset
from pharmagraph.model.reports.training_run import PARTS, about_parts


def test_every_component_is_described() -> None:
    presets = [load_preset(name) for name in ("default", "fast")]
    assert set(PARTS) == {part for preset in presets for part in preset.network.components}
    for training in (preset.training for preset in presets):
        assert set(PARTS) >= {*(training.expected_weights or ()), *(training.expected_unseen_weights or ())}


def test_parts_are_told_by_weight_and_those_without_weight_last() -> None:
    said = about_parts({"relational": 0.0, "axial": 0.0, "gaussian_process": 0.9, "factors": 0.1})
    assert said == (
        f"Predictions come 90% from {PARTS['gaussian_process']}, 10% from {PARTS['factors']}; "
        f"nothing comes from {PARTS['relational']} or {PARTS['axial']}"
    )
