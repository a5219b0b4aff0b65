"""The page of predictions has no column that is empty, and says what is unlike training where something is."""

from __future__ import annotations

import pytest

from pharmagraph.explorer.pages.predict import _columns

NAMES = ["drug", "drug_id", "cell_line", "low", "level", "unlike", "measured"]


@pytest.mark.parametrize(("unlike", "shown"), [(["", None], False), (["", "structure"], True)])
def test_unlike_is_a_column_where_something_is(unlike: list[str | None], shown: bool) -> None:
    columns = _columns(NAMES, [{"drug": "d", "unlike": one} for one in unlike])
    assert columns == ["drug", "cell_line", "low", *(["unlike"] if shown else []), "measured"]
