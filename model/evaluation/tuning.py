"""Searches a preset's options on an inner fold of training pairs; the held-out fold is removed first and never read.

A trial's options depend only on the seed, the trial's number and the finished trials. So a study that was cut off goes
on with the same trials, and the same command samples the same trials. The first trial is the preset itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from pharmagraph.kg.errors import ModelError
from pharmagraph.kg.heterograph import Heterograph
from pharmagraph.model.evaluation.plan import Plan
from pharmagraph.model.metrics.scores import CHOSEN_BY
from pharmagraph.model.presets.config import Config, load_preset
from pharmagraph.model.responses.groups import Groups
from pharmagraph.model.responses.inner_folds import InnerFold
from pharmagraph.model.responses.measured import require_two_classes

INNER_FRACTION = 0.15
"""Fraction of the training pairs, drugs or cell lines by which trials are judged."""


@dataclass(frozen=True)
class Trial:
    """The options of one trial and its AUROC, or R², on the inner fold."""

    number: int
    options: Mapping[str, Any]
    value: float


def tune(
    heterograph: Heterograph,
    preset: str,
    plan: Plan,
    *,
    fold: int,
    trials: int,
    file: Path,
    report: Callable[[int, float], None] = lambda done, best: None,
) -> list[Trial]:
    """Run a study up to a number of trials, those in its file included.

    Parameters
    ----------
    preset
        The preset; options that are not searched keep its values.
    plan
        Split, task, seed and changes to the preset; its fold ``fold`` is left out altogether.
    trials
        Total number of trials.
    file
        The file of the study; created if it does not exist.
    report
        Called with the number of finished trials and the best value.

    Returns
    -------
    list of Trial
        All finished trials, in order.

    Raises
    ------
    ModelError
        If the file belongs to another study, or the training pairs are all of one class.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend
    from optuna.trial import TrialState

    plan.config(heterograph, preset)
    measured, cut = plan.cut(heterograph)
    if fold >= len(cut):
        raise ModelError(f"--fold {fold} is not among {len(cut)} folds, which are counted from 0")
    training = measured.take(cut[fold].train)
    groups = plan.groups(heterograph)
    inner = InnerFold.of(training, plan.asked_as, fraction=INNER_FRACTION, seed=plan.seed, groups=groups)
    inner = inner.judged(plan.task)
    for pairs, where in (
        (inner.training, "the training pairs"),
        (inner.validation, "the inner validation pairs"),
    ):
        require_two_classes(pairs, plan.task, f"{where} of the study")
    belongs_to = json.dumps({**plan.key(heterograph), "preset": preset, "fold": fold}, sort_keys=True)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    file.parent.mkdir(parents=True, exist_ok=True)
    journal = optuna.storages.JournalStorage(JournalFileBackend(str(file)))
    study = optuna.create_study(
        storage=journal, study_name="pharmagraph", direction="maximize", load_if_exists=True
    )
    if study.user_attrs.get("of", belongs_to) != belongs_to:
        raise ModelError(
            f"{file} belongs to a study of other data, another preset, split, task or seed; name another --study"
        )
    study.set_user_attr("of", belongs_to)
    if not _finished(study) and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.enqueue_trial(_own(load_preset(preset)))
    while len(done := _finished(study)) < trials:
        study.sampler = optuna.samplers.TPESampler(seed=10_007 * plan.seed + len(done), n_startup_trials=8)
        trial = study.ask()
        options = {name: _draw(trial, name, space) for name, space in _space().items()}
        study.tell(trial, _figure(heterograph, inner, _with(preset, options, plan), plan, groups))
        done = _finished(study)
        report(len(done), max(t.value for t in done))
    return done


def write_preset(path: Path, preset: str, found: Sequence[Trial]) -> None:
    """Write the preset with the best trial's options as a YAML file for `--preset` and `--models`."""
    import yaml

    best = max(found, key=lambda trial: trial.value)
    config = load_preset(preset, **_parts(best.options)).model_dump(mode="json", exclude={"preset"})
    config = {part: options for part, options in config.items() if options is not None}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"# {preset} with the options of trial {best.number}, {best.value:.4f} on the inner fold (cli tune)\n"
        + yaml.safe_dump(config, sort_keys=False),
        encoding="utf-8",
    )


def _figure(heterograph: Heterograph, inner: InnerFold, config: Config, plan: Plan, groups: Groups) -> float:
    from pharmagraph.model.training.from_graph import fit_graph

    fitted = fit_graph(
        heterograph, inner.training, config, seed=plan.seed, task=plan.task, split=plan.asked_as, groups=groups,
        device=plan.device,
    )  # fmt: skip
    aside = inner.validation
    label = aside.label(plan.task).astype(np.float64)
    predicted = fitted.predict(aside.drug, aside.cell_line).astype(np.float64)
    return CHOSEN_BY[plan.task](label, predicted)


def _finished(study: Any) -> list[Trial]:
    from optuna.trial import TrialState

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return [Trial(number, trial.params, float(trial.value)) for number, trial in enumerate(complete)]


def _space() -> dict[str, Any]:
    """``section.option`` → the values from which it is sampled."""
    import yaml

    parts = yaml.safe_load(
        resources.files("pharmagraph.model").joinpath("presets", "search.yaml").read_text(encoding="utf-8")
    )
    return {f"{part}.{option}": space for part, options in parts.items() for option, space in options.items()}


def _own(config: Config) -> dict[str, Any]:
    """The preset's values of the searched options, if they are in the search space: the first trial."""
    options, searched = config.model_dump(), _space()
    own = {name: options[part][option] for name in searched for part, option in [name.split(".")]}
    return {name: own[name] for name, space in searched.items() if _holds(space, own[name])}


def _holds(space: Any, value: Any) -> bool:
    return value in space["choices"] if isinstance(space, dict) else space[0] <= value <= space[1]


def _draw(trial: Any, name: str, space: Any) -> Any:
    if isinstance(space, dict):
        return trial.suggest_categorical(name, space["choices"])
    low, high = space
    return trial.suggest_float(name, low, high, log=True)


def _parts(options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    parts: dict[str, dict[str, Any]] = {"network": {}, "training": {}}
    for name, value in options.items():
        part, option = name.split(".")
        parts[part][option] = value
    return parts


def _with(preset: str, options: Mapping[str, Any], plan: Plan) -> Config:
    """The preset with a trial's options and the plan's changes."""
    drawn = _parts(options)
    return load_preset(
        preset, **{part: {**drawn[part], **plan.options().get(part, {})} for part in ("network", "training")}
    )
