"""A run's page draws learning curves where there are any, and a table where each network was judged once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pharmagraph.explorer.pages.runs import _learning
from pharmagraph.kg.steps import LOG


@pytest.mark.parametrize(("epochs", "drawn"), [((2,), False), ((2, 4), True)])
def test_one_point_is_no_curve(tmp_path: Path, epochs: tuple[int, ...], drawn: bool) -> None:
    rows = [
        {"step": "epoch", "member": member, "epoch": epoch, "figure": 0.8, "seconds": 1.0}
        for member in (1, 2)
        for epoch in epochs
    ]
    (tmp_path / LOG).write_text("\n".join(map(json.dumps, rows)))
    page = str(_learning({"id": "r1", "folder": str(tmp_path)}))
    assert ("Graph(" in page) is drawn
    assert ("after one epoch alone" in page) is not drawn
    assert "0.8" in page
