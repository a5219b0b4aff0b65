"""A picture's ending, its place, and that the same figure gives the same file."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.picture_file import require, write

BEGINS = {".svg": b"<?xml", ".PNG": b"\x89PNG", ".pdf": b"%PDF"}


def _figure() -> Figure:
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot([0, 1], [1, 0], clip_on=True)
    return figure


@pytest.mark.parametrize("ending", BEGINS)
def test_the_same_figure_gives_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    found = []
    for date in ("1000000000", "1500000000"):  # what matplotlib writes in the place of now
        monkeypatch.setenv("SOURCE_DATE_EPOCH", date)
        path = tmp_path / f"{date}{ending}"
        require(path)
        write(_figure(), path)
        found.append(path.read_bytes())
    assert found[0].startswith(BEGINS[ending])
    assert found[0] == found[1]


def test_a_file_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"a\.doc is no picture; give a name that ends in \.svg, \.png or \.pdf"
    ):
        require(Path("a.doc"))
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        require(tmp_path / "folder.svg")
    assert {one.name for one in tmp_path.iterdir()} == {"folder.svg"}
