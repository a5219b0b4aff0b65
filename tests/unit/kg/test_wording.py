"""Messages name an argument as who gave it knows it."""

from __future__ import annotations

import pytest

from pharmagraph.kg import arguments
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.wording import named, option, typed


def test_arguments_are_options_where_a_command_runs_and_nowhere_else() -> None:
    def said() -> list[str]:
        return [named("new_genes"), option("reject_rows"), option("files", "FILE"), option("keep_all")]

    assert said() == ["new_genes", "reject_rows=True", 'files="FILE"', "keep_all=True"]
    with typed():
        assert said() == ["--new-genes", "--reject-rows", "--from FILE", "--all"]
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
