"""The options that several commands on models share, and changes to presets read from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from pharmagraph.kg import completion
from pharmagraph.model.presets import choices

Datasets = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset",
        help="Train on the responses of this dataset; may be repeated. All when left out.",
        autocompletion=completion.datasets,
    ),
]
Preset = Annotated[
    str,
    typer.Option(
        help="default, fast, drgt (which picks by the data set: drgt-nci60, drgt-gdsc1, drgt-gdsc2, drgt-ctrp), or a "
        "YAML file with the same options."
    ),
]
Task = Annotated[choices.Task, typer.Option(help="Sensitive or resistant, or ln IC50.")]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same result.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="At most so many; the preset's when left out.")]
Members = Annotated[int | None, typer.Option(min=1, help="Networks averaged; the preset's when left out.")]
Conv = Annotated[
    choices.Convolution | None,
    typer.Option(help="Another way to weight messages; the preset's when left out."),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PART.OPTION=VALUE", help="Replace an option of the presets; may be repeated."
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress.")]


def preset_changes(
    epochs: int | None, members: int | None, conv: choices.Convolution | None, options: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Options of presets that were given on the command line; ``options`` as in ``network.layers=3``.

    Raises
    ------
    ModelError
        If one of them is not a part, a point, a name, an equals sign and a value.
    """
    import yaml

    from pharmagraph.kg.errors import ModelError

    training = {k: v for k, v in (("epochs", epochs), ("members", members)) if v is not None}
    changes: dict[str, dict[str, Any]] = {
        "training": training, "network": {"conv": conv} if conv else {}
    }  # fmt: skip
    for option in options:
        path, sign, text = option.partition("=")
        part, *names = path.split(".")
        if not sign or not all(names) or not names or part not in changes:
            raise ModelError(
                f'--set "{option}" is not PART.OPTION=VALUE, as in --set network.layers=3; parts are network and '
                "training, options are in the shipped presets"
            )
        section = changes[part]
        for name in names[:-1]:
            section = section.setdefault(name, {})
        try:
            section[names[-1]] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise ModelError(f'--set "{option}": "{text}" is not a number, a word or a list') from None
    return changes


def model_names(models: str, example: str) -> list[str]:
    """The names in a list with commas, each once; ModelError with an example where there is none."""
    from pharmagraph.kg.errors import ModelError

    names = list(dict.fromkeys(name.strip() for name in models.split(",") if name.strip()))
    if not names:
        raise ModelError(f"--models names none; try --models {example}")
    return names
