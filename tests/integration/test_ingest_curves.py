"""Tables of dose–response points become fitted curves, which `cli ingest tables` loads; doubtful units are refused."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from pharmagraph.ingest.dose_response import points
from pharmagraph.kg import heterograph
from pharmagraph.kg.errors import InputError, RowError
from pharmagraph.kg.store import open_store
from pharmagraph.model.responses.measured import responses
from tests.cli.typed import typed

DOSES = 10 * 2.0 ** -np.arange(8)


def viability(ic50: float, doses: np.ndarray = DOSES) -> np.ndarray:
    return 1 / (1 + (doses / ic50) ** 1.2)


def write(path: Path, header: str, rows: list[tuple[object, ...]]) -> Path:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def pairs(dose: np.ndarray = DOSES, factor: float = 1.0) -> list[tuple[object, ...]]:
    return [("Drug", "A-375", d, v * factor) for d, v in zip(dose, viability(1.5), strict=True)]


@pytest.mark.parametrize(
    ("header", "doses", "factor", "unit"),
    [
        ("dose_uM,viability", DOSES, 1.0, None),
        ("Concentration (µM),viability", DOSES, 1.0, None),
        ("concentration_nM,viability_percent", DOSES * 1e3, 100.0, None),
        ("conc nM,% viability", DOSES * 1e3, 100.0, None),
        ("log10_conc_M,value", np.log10(DOSES * 1e-6), 100.0, None),
        ("ln_dose_uM,value", np.log(DOSES), 1.0, None),
        ("dose,survival", DOSES * 1e-3, 1.0, "mM"),
        ("log_dose,survival", np.log10(DOSES * 1e-6), 1.0, "log10 M"),
    ],
)
def test_units_of_concentration_and_value(
    tmp_path: Path, header: str, doses: np.ndarray, factor: float, unit: str | None
) -> None:
    file = write(tmp_path / "points.csv", f"drug,cell_line,{header}", pairs(doses, factor))
    (series,), _ = points.read(file, unit=unit)
    assert series.x == pytest.approx(np.log(DOSES))
    assert series.y == pytest.approx(viability(1.5))


@pytest.mark.parametrize(
    ("header", "factor", "asked", "said"),
    [
        (
            "dose,viability",
            1,
            {},
            'the column "dose" says no unit; call it dose_uM or dose_nM, or give unit (one of',
        ),
        ("log_dose_M,viability", 1, {}, "does not say the base of its logarithm"),
        ("dose_uM,viability", 1, {"unit": "nM"}, 'the column "dose_uM" contradicts unit nM'),
        ("dose_uM,viability", 1, {"unit": "g/l"}, 'unit "g/l" is none of pM, nM, uM'),
        (
            "dose_uM,viability_percent",
            1,
            {},
            'the column "viability_percent" says percent, and nine in ten of its values are at',
        ),
        (
            "dose_uM,fraction_viability",
            100,
            {},
            'the column "fraction_viability" says fraction, and nine in ten of its values',
        ),
        ("dose_uM,value", 10, {}, "which may be fractions or percentages of the control"),
        (
            "dose_uM,inhibition",
            1,
            {},
            "one column of viability, such as value, viability or viability_percent, is needed",
        ),
        ("dose,value_uM", 1, {}, "one column of viability"),
    ],
)
def test_a_doubtful_unit_is_refused(
    tmp_path: Path, header: str, factor: float, asked: dict[str, str], said: str
) -> None:
    file = write(tmp_path / "points.csv", f"drug,cell_line,{header}", pairs(factor=factor))
    with pytest.raises(InputError) as found:
        points.read(file, **asked)  # type: ignore[arg-type]
    assert said in str(found.value) and "\n" not in str(found.value)


def test_values_beyond_all_bounds_are_no_percent(tmp_path: Path) -> None:
    file = write(tmp_path / "points.csv", "drug,cell_line,dose_uM,value", pairs(factor=1e300))
    with pytest.raises(RowError, match="is no percent of the control, as others are"):
        points.read(file)


def test_curves_are_not_written_over_their_points_nor_where_there_are_none(tmp_path: Path) -> None:
    rows = pairs()
    file = write(tmp_path / "points.csv", "drug,cell_line,dose_uM,value", rows)
    before = file.read_text()
    done = typed("ingest", "curves", "points.csv", "--out", str(file), cwd=tmp_path)
    assert done.returncode == 1
    assert "is the file of points itself; give another" in done.stderr
    assert file.read_text() == before
    write(file, "drug,cell_line,dose_uM,value", rows[:1])
    done = typed("ingest", "curves", "points.csv", "--out", "new.csv", cwd=tmp_path)
    assert done.returncode == 1
    assert "no drug has 5 concentrations on a cell line, so there is no curve" in done.stderr
    assert not (tmp_path / "new.csv").exists()
    done = typed("ingest", "curves", "points.csv", "--out", "/dev/full", cwd=tmp_path)
    assert done.returncode == 1


def test_a_given_unit_of_values_wins(tmp_path: Path) -> None:
    file = write(tmp_path / "points.csv", "drug,cell_line,dose_uM,viability_percent", pairs())
    (series,), notes = points.read(file, given="fraction")
    assert series.y == pytest.approx(viability(1.5))
    assert notes == ["points.csv: column viability_percent read as fraction of the control"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            ("Drug", "A-375", 0, 0.9),
            'row 10, column dose_uM: "0" is no concentration above 0; give controls the drug DM',
        ),
        (("Drug", "A-375", 1, "x"), 'row 10, column value: "x" is no finite number'),
        (("Drug", "A-375", 1, 97), 'row 10, column value: "97" is no fraction of the control, as others are'),
        (("Drug", "", 1, 0.5), 'row 10, column cell_line: "" is empty'),
        (
            ("Drug", "A-375", '"0,5"', 1),
            'column dose_uM: "0,5" is no finite number: it has a decimal comma; write 0.5',
        ),
        (("Drug", "A-375", ">10", 1), 'column dose_uM: ">10" is no finite number: it is censored'),
        (("Drug", "A-375", 1e300, 1), "is no concentration from 1 fmol/l to 1,000 mol/l; correct it"),
        (("Drug", "A-375", 1e-300, 1), "is no concentration from 1 fmol/l to 1,000 mol/l; correct it"),
        (
            ("None", "A-375", 1, 1),
            'column drug: "None" is a word for nothing, not a name; call controls DMSO',
        ),
        (("Drug", "NA", 1, 1), 'column cell_line: "NA" is a word for nothing, not a name.'),
        (("Dr\x1b[31m", "A-375", 1, 1), "holds the control character U+001B; remove it"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: tuple[object, ...], said: str) -> None:
    file = write(tmp_path / "points.csv", "drug,cell_line,dose_uM,value", [*pairs(), *pairs()[:0], row])
    with pytest.raises(RowError) as found:
        points.read(file)
    assert said.replace("row 10", f"row {len(DOSES) + 2}") in str(found.value)


def test_values_are_divided_by_the_controls_of_their_plate_and_line(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [
        ("DMSO", "A375", "P1", "", 9_000),
        ("", "A375", "P1", "", 11_000),
        ("control", "", "P2", "", 500),
    ]
    rows += [("Drug", "A-375", "P1", d, 10_000 * v) for d, v in zip(DOSES, viability(1.5), strict=True)]
    rows += [("Drug", "A375", "P2", d, 500 * v) for d, v in zip(DOSES, viability(1.5), strict=True)]
    file = write(tmp_path / "points.csv", "drug,cell_line,plate,dose_uM,value", rows)
    (series,), notes = points.read(file)
    assert series.drug == "Drug" and series.y == pytest.approx(np.tile(viability(1.5), 2))
    assert notes == ["points.csv: values divided by the mean of 3 controls on 2 plates"]
    file.write_text(file.read_text() + "Drug,A375,P3,1,500\n")
    with pytest.raises(RowError, match='"A375" has no control on plate "P3"'):
        points.read(file)


def test_counts_are_divided_by_the_control_of_their_row(tmp_path: Path) -> None:
    header = "agent,cell_line,concentration_uM,cell_count,cell_count__ctrl,cell_count__time0".replace(
        "agent", "drug"
    )
    rows: list[tuple[object, ...]] = [
        ("Drug", "A375", d, 400 * v, 400, 100) for d, v in zip(DOSES, viability(1.5), strict=True)
    ]
    (series,), notes = points.read(write(tmp_path / "points.csv", header, rows))
    assert series.y == pytest.approx(viability(1.5)) and series.time_zero == pytest.approx(0.25)
    assert notes == ["points.csv: values divided by the column cell_count__ctrl"]


def test_wells_of_time_zero_are_found_by_plate_or_by_line(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = [
        ("DMSO", "A375", "P1", "", 400), ("DMSO", "HT29", "P2", "", 200), ("DMSO", "MCF7", "P3", "", 200),
        ("T0", "A375", "P1", "", 90), ("time zero", "A375", "P1", "", 110), ("t0", "HT29", "start", "", 50),
    ]  # fmt: skip
    for line, plate, control in (("A375", "P1", 400), ("HT29", "P2", 200), ("MCF7", "P3", 200)):
        rows += [("Drug", line, plate, d, control * v) for d, v in zip(DOSES, viability(1.5), strict=True)]
    found, _ = points.read(write(tmp_path / "points.csv", "drug,cell_line,plate,dose_uM,count", rows))
    assert [series.time_zero for series in found] == [pytest.approx(0.25), pytest.approx(0.25), None]


@pytest.mark.parametrize(
    ("header", "rows", "said"),
    [
        ("dose_uM,cell_count", [("D", "A", 1, 50)], 'the column "cell_count" says nothing without controls'),
        (
            "dose_uM,value,control", [("D", "A", 1, 50, 100), ("DMSO", "A", "", 100, 100)],
            'has both the column "control" and rows of controls',
        ),
        (
            "dose_uM,value,t0", [("D", "A", 1, 0.5, 0.2), ("T0", "A", "", 0.2, "")],
            'has both the column "t0" and rows of time zero',
        ),
        ("dose_uM,value,control", [("D", "A", 1, 50, 0)], 'row 2, column control: "0" is no control'),
        ("dose_uM,value,control", [("D", "A", 1, 50, "")], 'row 2, column control: "" is no finite number'),
    ],
)  # fmt: skip
def test_what_is_no_control_is_refused(
    tmp_path: Path, header: str, rows: list[tuple[object, ...]], said: str
) -> None:
    with pytest.raises(InputError) as caught:
        points.read(write(tmp_path / "points.csv", f"drug,cell_line,{header}", rows))
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_fitted_curves_are_a_screen(tmp_path: Path) -> None:
    rows: list[tuple[object, ...]] = []
    for drug, ic50 in (("Strong", 0.4), ("Weak", 15.0), ("Mild", 2.0)):
        for n, line in enumerate(("A375", "HT29", "MCF7")):
            rows += [(drug, line, d, v) for d, v in zip(DOSES, viability(ic50 * (1 + n / 5)), strict=True)]
    rows += [("Few", "A375", d, 0.5) for d in DOSES[:3]]
    file = write(tmp_path / "points.csv", "drug,cell_line,dose_uM,viability", rows)
    out = tmp_path / "screen" / "responses.csv"
    done = typed("ingest", "curves", str(file), "--out", str(out), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (
        "1 curves with fewer than 5 concentrations are not in" in done.stderr and "Few on A375" in done.stderr
    )
    with out.open(encoding="utf-8") as found:
        table = list(csv.DictReader(found))
    assert len(table) == 9
    by_pair = {(row["drug"], row["cell_line"]): row for row in table}
    assert float(by_pair["Strong", "A375"]["ln_ic50"]) == pytest.approx(math.log(0.4), abs=0.01)
    assert by_pair["Weak", "HT29"]["ln_ic50"] == "" and by_pair["Weak", "HT29"]["flags"] == "ic50_outside"
    assert by_pair["Weak", "HT29"]["censored"] == "above"
    assert float(by_pair["Weak", "HT29"]["bound"]) == pytest.approx(math.log(10), abs=1e-4)
    loaded = typed(
        "ingest",
        "tables",
        "screen",
        "--without-smiles",
        "--store",
        "ladybug://g.lbug",
        "--quiet",
        cwd=tmp_path,
    )
    assert loaded.returncode == 0, loaded.stderr
    with open_store(f"ladybug://{tmp_path}/g.lbug", read_only=True) as store:
        edges = store.read_edges("TESTED_ON", ("Drug", "CellLine"))
        measured = responses(heterograph.export(store), "regression")
    assert measured.bounds is not None and measured.bounds.side.tolist().count(1) == 3
    assert measured.ln_ic50[measured.bounds.side == 1] == pytest.approx(math.log(10), abs=1e-4)
    assert edges.num_rows == 9 and edges["auc"].null_count == edges["r2"].null_count == 0
    weak = [row for row in edges.to_pylist() if row["src"] == "WEAK"]
    assert {(row["censored"], round(row["ln_ic50"], 4), row["flags"]) for row in weak} == {
        ("above", round(math.log(10), 4), "ic50_outside")
    }
    assert edges["censored"].null_count == 6
