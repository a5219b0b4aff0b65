"""An odd annotation costs its value alone, and every report names its file, row and value."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.typed import typed

PAIRS = "drug,cell_line,ln_ic50\nA,X,1\nA,Y,2\nB,X,2\nB,Y,0\n"
FRACTION, WORD = "is not a whole number", "is not a finite number"
CASES = {
    "half a phase": ("drugs", "drug,smiles,max_phase\nA,CCO,4\nB,CCN,0.5\n", 'row 3, "0.5"', f"{FRACTION}, in column"),
    "phase -1": ("drugs", "drug,smiles,max_phase\nA,CCO,-1\nB,CCN,4\n", 'row 2, "-1"', "is not from 0 to 4"),
    "words": (
        "drugs", "drug,smiles,pubchem_cid\nA,CCO,none\nB,CCN,several\n", 'row 2, "none", row 3, "several"',
        f"{WORD}, in column pubchem_cid",
    ),
    "under another header": ("drugs", "Drug,SMILES,Max Phase\nA,CCO,4\nB,CCN,0.5\n", 'row 3, "0.5"', FRACTION),
    "a COSMIC id": ("cells", "cell_line,cosmic_id\nX,COSS1\nY,905901\n", 'row 2, "COSS1"', f"{WORD}, in column"),
    "of a curve": ("responses", PAIRS.replace("50\n", "50,hill\n").replace("X,1", "X,1,steep").replace(
        "Y,2", "Y,2,1").replace("X,2", "X,2,1").replace("Y,0", "Y,0,1"), 'row 2, "steep"', f"{WORD}, in column hill"),
}  # fmt: skip


@pytest.mark.parametrize("reject", [(), ("--reject-rows",)])
@pytest.mark.parametrize("case", CASES)
def test_the_place_is_named_and_the_rest_is_loaded(
    tmp_path: Path, case: str, reject: tuple[str, ...]
) -> None:
    part, text, places, reason = CASES[case]
    files = {"responses": PAIRS, "drugs": "drug,smiles\nA,CCO\nB,CCN\n", part: text}
    for name, content in files.items():
        (tmp_path / f"{name}.csv").write_text(content)
    words = ("ingest", "tables", ".", "--store", "ladybug://a.lbug", "--quiet", *reject)
    ran = typed(*words, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert f"{part}.csv, {places}: {reason}" in ran.stdout
    assert (
        "TESTED_ON               4 inserted" in ran.stdout
        and "Drug                    2 inserted" in ran.stdout
    )
    checked = typed("ingest", "tables", ".", "--check", "--format", "csv", cwd=tmp_path)
    (left_out,) = [line for line in checked.stdout.splitlines() if line.startswith("left out")]
    assert checked.returncode == 0
    assert f"{part}.csv" in left_out and f"first in {places.split(',')[0]}" in left_out
