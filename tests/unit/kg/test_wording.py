"""Messages name an argument as who gave it knows it."""

from __future__ import annotations

import pytest

from pharmagraph.kg import arguments
from pharmagraph.kg.console import cell
from pharmagraph.kg.errors import InputError, none_of
from pharmagraph.kg.wording import named, option, typed


def test_arguments_are_options_where_a_command_runs_and_nowhere_else() -> None:
    def said() -> list[str]:
        words = [named("new_genes"), named("n_null"), named("only")]
        return [*words, option("reject_rows"), option("files", "FILE"), option("keep_all")]

    assert said() == ["new_genes", "n_null", "only", "reject_rows=True", 'files="FILE"', "keep_all=True"]
    with typed():
        assert said() == ["--new-genes", "--null", "--fold", "--reject-rows", "--from FILE", "--all"]
    with pytest.raises(ZeroDivisionError), typed():
        1 / 0  # noqa: B018
    assert said()[0] == "new_genes"


@pytest.mark.parametrize(
    ("argument", "typed_as"),
    [("cell_lines", "--cell"), ("drugs", "--drug"), ("run_id", "--run"), ("release", "--release")],
)
def test_an_empty_text_is_told_of_by_its_option(argument: str, typed_as: str) -> None:
    with pytest.raises(InputError, match=f"^{argument} is an empty text$"):
        arguments.text(argument, " ")
    with typed(), pytest.raises(InputError, match=f"^{typed_as} is an empty text$"):
        arguments.texts(argument, [" "])


@pytest.mark.parametrize(
    ("n", "of", "said"),
    [
        (1, "the", "the only gene is not"), (1, "its", "its only gene is not"), (2, "the", "none of the 2 genes is"),
        (1234, "its", "none of its 1,234 genes is"),
    ],
)  # fmt: skip
def test_none_of_one_thing_is_said_as_of_one(n: int, of: str, said: str) -> None:
    assert none_of(n, "gene", "is", of=of) == said


@pytest.mark.parametrize(
    ("value", "said"), [(-0.0, "0"), (0.0, "0"), (-1.5, "-1.5"), (-1e-9, "-1e-09"), (1e6, "1e+06")]
)
def test_a_negative_zero_is_a_zero(value: float, said: str) -> None:
    assert cell(value) == said
