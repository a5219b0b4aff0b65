"""Plates: their sizes, where controls and pairs are, and what does not fit."""

from __future__ import annotations

import pytest

from pharmagraph.kg.errors import InputError
from pharmagraph.model.suggest.plate import EMPTY, POSITIVE, SAMPLE, SIZES, VEHICLE, Plate


@pytest.mark.parametrize(("size", "last"), [(96, "H12"), (384, "P24"), (1536, "AF48")])
def test_a_plate_has_its_wells_by_name(size: int, last: str) -> None:
    wells = Plate(size, 8).laid_out([("d", "c")])
    assert len({well.name for well in wells}) == size
    assert (wells[0].name, wells[-1].name) == ("A1", last)
    assert (wells[-1].row + 1, wells[-1].column + 1) == SIZES[size]


def test_controls_are_in_the_outer_columns_half_of_each_kind() -> None:
    wells = Plate(96, 16).laid_out([("d", str(n)) for n in range(80)])
    kinds = {(well.row, well.column): well.kind for well in wells}
    assert {column for (_, column), kind in kinds.items() if kind in (VEHICLE, POSITIVE)} == {0, 11}
    for column in (0, 11):
        of_column = [kinds[row, column] for row in range(8)]
        assert of_column.count(VEHICLE) == of_column.count(POSITIVE) == 4
    assert sum(kind == SAMPLE for kind in kinds.values()) == 80


def test_controls_go_into_the_columns_that_are_given() -> None:
    wells = Plate(96, 8, columns=[6]).laid_out([])
    assert {well.column for well in wells if well.kind != EMPTY} == {5}
    assert [well.kind for well in wells if well.kind != EMPTY] == [VEHICLE, POSITIVE] * 4


def test_doses_of_a_pair_are_side_by_side_and_lines_are_neighbours() -> None:
    plate = Plate(96, 0, doses=8)
    assert plate.room == 12
    wells = plate.laid_out([("b", "y"), ("a", "y"), ("a", "x")])
    told = [(well.pair, well.dose) for well in wells if well.kind == SAMPLE]
    assert told == [(pair, dose) for pair in (2, 1, 0) for dose in range(1, 9)]


@pytest.mark.parametrize(
    ("size", "controls", "columns", "doses", "said"),
    [
        (96, 96, None, 1, r"a plate of 96 wells has no room for a pair \(1 well\) beside 96 controls"),
        (96, 90, None, 8, r"no room for a pair \(8 wells\)"),
        (100, 4, None, 1, "plates have 96, 384 or 1536 wells"),
        (96, 4, [13], 1, "columns 1 to 12"),
        (96, 20, None, 1, "columns 1 and 12 of a plate of 96 wells hold 16 of 20 controls"),
    ],
)
def test_what_does_not_fit_is_said(
    size: int, controls: int, columns: list[int] | None, doses: int, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        Plate(size, controls, columns, doses)
