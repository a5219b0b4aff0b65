"""Files of expression in the shapes and units that people have become the z scores they were made of."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from pharmagraph.kg.errors import InputError, RowError
from pharmagraph.kg.heterograph import Heterograph, save
from pharmagraph.kg.heterograph.arrays import SavedArrays
from pharmagraph.kg.names import Names, fold_gene
from pharmagraph.kg.reading import table as reading
from pharmagraph.kg.reading.table import Table
from pharmagraph.model.runs import standardising
from pharmagraph.model.runs.profiles import RunGenes, read_profile

N = 120
RANDOM = np.random.default_rng(7)
MEAN, DEVIATION = RANDOM.uniform(2, 12, N), RANDOM.uniform(0.3, 1.5, N)
IDS = [f"GENE{i:03d}" for i in range(N)]
NAMES = Names(
    "gene",
    {
        id_: [None, f"OLD-{i}", "TWICE" if i < 2 else None, str(1000 + i), f"ENSG{i:011d}"]
        for i, id_ in enumerate(IDS)
    },
    fold_gene,
)


def _z() -> np.ndarray:
    """z scores that no straight line through the means explains, so that the alignment finds them exactly."""
    basis, _ = np.linalg.qr(np.stack([np.ones(N), MEAN]).T / DEVIATION[:, None])
    z = RANDOM.normal(0, 1, N)
    return z - basis @ (basis.T @ z)


Z = _z()
LOG2 = MEAN + DEVIATION * Z
TPM = 2.0**LOG2 - 1
TPM = 2.0 ** (LOG2 + np.log2((1e6 + N) / (TPM.sum() + N))) - 1  # of which log2(x + 1) is LOG2 and a constant
COUNTS = np.round(TPM * 300)
assert TPM.sum() == pytest.approx(1e6) and TPM.min() > 0 and LOG2.min() > 0


@pytest.fixture
def genes(tmp_path: Path) -> RunGenes:
    return _genes(
        tmp_path / "graph",
        {
            "expression_mean": torch.tensor(MEAN, dtype=torch.float32),
            "expression_deviation": torch.tensor(DEVIATION, dtype=torch.float32),
        },
    )


def _genes(folder: Path, features: dict[str, torch.Tensor]) -> RunGenes:
    save(Heterograph({"Gene": np.array(IDS, object)}, {"Gene": features}, {}, (), ()), folder)
    return RunGenes(SavedArrays(folder), lambda: NAMES)


def _table(header: str, *columns: Sequence[object], delimiter: str = ",") -> str:
    rows = [delimiter.join(map(str, row)) for row in zip(*columns, strict=True)]
    return "\n".join([header.replace(",", delimiter), *rows]) + "\n"


def _wide(values: Sequence[object], names: Sequence[str], labels: str = "", of: str = "") -> str:
    return f"{labels}{','.join(names)}\n{of}{','.join(map(str, values))}\n"


ENSEMBL = [f"ENSG{i:011d}.{i % 9 + 1}" for i in range(N)]
DEPMAP = [f"{id_} ({1000 + i})" for i, id_ in enumerate(IDS)]
ENTREZ = [1000 + i for i in range(N)]
BLANK = [""] * N

FILES: dict[str, tuple[str, str, str]] = {
    "z scores": ("line.csv", _table("gene,z", IDS, Z), "z scores"),
    "log2, two columns": ("line.csv", _table("gene,value", IDS, LOG2), "log2"),
    "log TPM": ("line.csv", _table("gene,log_tpm", IDS, np.log2(TPM + 1)), "log2"),
    "TPM": ("line.csv", _table("Gene,TPM", IDS, TPM), "TPM"),
    "counts": ("line.csv", _table("gene,counts", IDS, COUNTS.astype(int)), "counts"),
    "linear, half the sum of TPM": (
        "line.csv",
        _table("gene,expression", IDS, 2.0 ** (LOG2 + 3) - 1),
        "linear",
    ),
    "another spelling of log2": ("line.csv", _table("gene,A375", IDS, LOG2), "log2"),
    "log2 without adding 1": ("line.csv", _table("gene,value", IDS, LOG2 - 4), "log2"),
    "tabs, Ensembl ids with versions": (
        "line.tsv",
        _table("gene_id,TPM", ENSEMBL, TPM, delimiter="\t"),
        "TPM",
    ),
    "tabs in a file called csv": ("line.csv", _table("gene,value", IDS, LOG2, delimiter="\t"), "log2"),
    "RSEM": (
        "line.genes.results",
        _table(
            "gene_id,transcript_id(s),length,effective_length,expected_count,TPM,FPKM",
            ENSEMBL,
            BLANK,
            ENTREZ,
            ENTREZ,
            TPM * 7.3,
            TPM,
            TPM / 2,
            delimiter="\t",
        ),
        "TPM",
    ),
    "Entrez ids and words about the genes": (
        "line.csv",
        _table("entrez_id,description,value", ENTREZ, ["a gene"] * N, LOG2),
        "log2",
    ),
    "aliases in small letters": (
        "line.csv",
        _table("gene,value", [f"old{i}" for i in range(N)], LOG2),
        "log2",
    ),
    "an index without a name": ("line.csv", _table(",line", IDS, LOG2), "log2"),
    "HTSeq": (
        "line.txt",
        _table(
            "gene,count",
            [*IDS, "__no_feature", "__not_aligned"],
            [*COUNTS.astype(int), 10**9, 10**9],
            delimiter="\t",
        ),
        "counts",
    ),
    "a comment above": ("line.csv", "# made by hand\n" + _table("gene,value", IDS, LOG2), "log2"),
    "one row, as DepMap": ("line.csv", _wide(LOG2, DEPMAP, ",", "ACH-000219,"), "log2"),
    "one row with labels": ("line.csv", _wide(TPM, IDS, "sample,default,", "A375,Yes,"), "TPM"),
    "one row of genes alone": ("line.csv", _wide(COUNTS, IDS), "counts"),
    "one row of Entrez ids": ("line.csv", _wide(LOG2, list(map(str, ENTREZ))), "log2"),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", FILES)
def test_a_file_gives_the_z_scores_that_it_was_made_of(
    kind: str, packed: bool, genes: RunGenes, tmp_path: Path
) -> None:
    name, text, unit = FILES[kind]
    notes: list[str] = []
    z = read_profile(_table_of(tmp_path, name, text, packed), genes, notes.append)
    assert list(z) == IDS
    tolerance = 0.02 if "count" in unit else 1e-4  # counts are rounded
    if unit == "linear":
        tolerance = 0.05  # the 1 of log2(x + 1) bends the line
    np.testing.assert_allclose([z[id_] for id_ in IDS], Z, atol=tolerance)
    assert len(notes) == 1 and unit in notes[0] and "120 of the run's 120 genes found, 0 missing" in notes[0]


@pytest.mark.parametrize("kind", FILES)
def test_a_dataframe_is_read_as_the_file_it_came_from(kind: str, genes: RunGenes, tmp_path: Path) -> None:
    name, text, _ = FILES[kind]
    path = _written(tmp_path, name, text)
    frame = pd.read_csv(path, sep="\t" if "\t" in text else ",", comment="#")
    notes: list[str] = []
    z = read_profile(Table.of_frame("cell_lines", frame), genes, notes.append)
    assert z == pytest.approx(read_profile(Table.of_file(path), genes, notes.append), abs=1e-12)
    assert notes[0].removeprefix("cell_lines: ") == notes[1].removeprefix(f"{name}: ")


def test_the_name_of_a_series_is_that_of_a_column(genes: RunGenes) -> None:
    def read(values: np.ndarray, index: Sequence[object], name: object) -> tuple[list[float], str]:
        notes: list[str] = []
        table = Table.of_series("cell_lines", pd.Series(values, index=index, name=name), "gene")
        z = read_profile(table, genes, notes.append)
        return [z[id_] for id_ in IDS], notes[0]

    for values, index, name, taken_for in (
        (Z, IDS, "z", "z scores"), (LOG2, IDS, "A375", "column A375 read as log2"), (TPM, ENTREZ, 0, "TPM"),
    ):  # fmt: skip
        z, note = read(values, index, name)
        assert z == pytest.approx(Z.tolist(), abs=1e-4) and taken_for in note
    with pytest.raises(InputError, match=r"^cell_lines: .* look like z scores, so name their column z"):
        read(Z, IDS, "A375")
    with pytest.raises(RowError, match=r'^cell_lines, row 4, column z: "nan" is not a finite number'):
        read(np.where(np.arange(N) == 4, np.nan, Z), IDS, "z")


def _table_of(folder: Path, name: str, text: str, packed: bool = False) -> Table:
    return Table.of_file(_written(folder, name, text, packed))


def _written(folder: Path, name: str, text: str, packed: bool = False) -> Path:
    path = folder / (name + ".gz" if packed else name)
    data = b"\xef\xbb\xbf" + text.encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


def test_genes_that_are_missing_or_left_out_are_counted_and_few_are_warned_of(
    genes: RunGenes, tmp_path: Path
) -> None:
    notes: list[str] = []
    names, values = [*IDS[:55], "NOBODY1", "NOBODY2", "TWICE"], [*LOG2[:55], 5.0, 5.0, 5.0]
    z = read_profile(
        _table_of(tmp_path, "line.csv", _table("gene,value", names, values)), genes, notes.append
    )
    assert list(z) == IDS[:55]
    assert "55 of the run's 120 genes found, 65 missing" in notes[0] and "3 others left out" in notes[0]
    assert "fewer than half" in notes[1]
    read_profile(_table_of(tmp_path, "one.csv", "gene,z\nGENE003,-2.5\n"), genes, notes.append)
    assert "1 of the run's 120 genes found" in notes[2] and "fewer than half" in notes[3]


def test_values_that_were_standardised_within_the_line_are_no_z_scores(
    genes: RunGenes, tmp_path: Path
) -> None:
    within = (LOG2 - LOG2.mean()) / LOG2.std()
    z = read_profile(
        _table_of(tmp_path, "line.csv", _table("gene,value", IDS, within)), genes, lambda _: None
    )
    np.testing.assert_allclose([z[id_] for id_ in IDS], Z, atol=1e-4)


def test_values_of_another_platform_are_warned_of(genes: RunGenes, tmp_path: Path) -> None:
    notes: list[str] = []
    other = LOG2 + np.random.default_rng(0).normal(0, 2.2, N)
    read_profile(_table_of(tmp_path, "line.csv", _table("gene,value", IDS, other)), genes, notes.append)
    assert "may be of another platform" in notes[0] and len(notes) == 2


def test_a_genes_own_id_wins_over_its_alias(genes: RunGenes, tmp_path: Path) -> None:
    text = _table("gene,z", ["old-3", "GENE003", "GENE004"], [9.0, 1.0, 2.0])
    z = read_profile(_table_of(tmp_path, "line.csv", text), genes, lambda _: None)
    assert z == {"GENE003": 1.0, "GENE004": 2.0}


SHUFFLED = np.random.default_rng(1).permutation(LOG2)
NEGATIVE = COUNTS.astype(int).copy()
NEGATIVE[4] = -3

REFUSED: dict[str, tuple[str, type[InputError], str]] = {
    "negative counts": (_table("gene,counts", IDS, NEGATIVE), RowError, r'row 6, column counts: "-3" is negative'),
    "negative TPM": (_table("gene,tpm", IDS, [-0.5, *TPM[1:]]), RowError, r'row 2, column tpm: "-0.5" is negative'),
    "z scores by another name": (_table("gene,value", IDS, Z), InputError, "look like z scores, so name their column"),
    "z scores in one row": (_wide(Z, IDS), InputError, "look like z scores, so name their column z"),
    "shuffled": (_table("gene,value", IDS, SHUFFLED), InputError, r"correlate by -?0\.\d\d with .* no expression"),
    "all the same": (_table("gene,value", IDS, [4.0] * N), InputError, "all 120 values are 4"),
    "few genes": (_table("gene,value", IDS[:49], LOG2[:49]), InputError, "shares 49 genes .* 50 are needed"),
    "no gene": (_table("gene,value", ["A", "B"], [1.5, 3]), InputError, "none of the 2 genes is in the graph"),
    "a gene twice": (_table("gene,x", [*IDS, "gene-003"], [*LOG2, 1]), RowError, "row 122, .*is GENE003, as row 5 is"),
    "a gene twice in one row": (_wide([*LOG2, 1], [*IDS, "gene-003"]), RowError, 'is GENE003, as column "GENE003" is'),
    "z of a gene twice": ("gene,z\nGENE003,1\nGENE003,2\n", RowError, "row 3, column gene: .*is GENE003, as row 2 is"),
    "a word": (_table("gene,value", IDS, ["high", *LOG2[1:]]), RowError, 'row 2, column value: "high" is not a finite'),
    "infinite": (_table("gene,z", IDS, ["inf", *Z[1:]]), RowError, '"inf" is not a finite number'),
    "decimal commas": (_table("gene,value", IDS, ["5,3"] * N, delimiter="\t"), RowError, '"5,3" is not a finite'),
    "unquoted decimal commas": (_table("gene,value", IDS, ["5,3"] * N), RowError, "row 2: .*has 3 cells .*5,3 has"),
    "an underscore": (_table("gene,value", IDS, ["1_0", *LOG2[1:]]), RowError, '"1_0" is not a finite number'),
    "two columns of z": (_table("gene,z,z", IDS, Z, -Z), RowError, '"z" is the name of two columns'),
    "two columns of values": (_table("gene,TPM,tpm", IDS, TPM, -TPM), RowError, '"TPM" is the name of two columns'),
    "an open quote": ('gene,z\n"GENE000,1\nGENE001",2\nGENE002,3\n', RowError, "row 2: .*opens a quote that is"),
    "z all the same": (_table("gene,z", IDS, [0] * N), InputError, "all 120 z scores are 0"),
    "no header": (_table("GENE000,4.5", IDS[1:], LOG2[1:]), RowError, "row 1: .*is no header; give one"),
    "a header alone": ("gene,value\n", RowError, "is no header with rows"),
    "nothing": ("", InputError, "is empty"),
    "one column": ("gene\nGENE000\n", RowError, "is no header with rows"),
    "several lines": (_table("gene,A375,HT29", IDS, LOG2, LOG2), InputError, "columns A375, HT29 may each hold"),
    "no values": (_table("gene,about,more", IDS, BLANK, BLANK), InputError, "no column holds values"),
    "several rows": (f"a,{','.join(IDS)}\n" + 2 * f"x,{','.join(map(str, LOG2))}\n", RowError, "has no such column"),
    "featureCounts": (
        "# Program:featureCounts\n" + _table("Geneid,Start,Length,a.bam", IDS, ENTREZ, ENTREZ, NEGATIVE),
        InputError,
        "columns Start, Length, a.bam may each hold the values",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_is_no_profile_is_refused_in_one_line(kind: str, genes: RunGenes, tmp_path: Path) -> None:
    text, error, message = REFUSED[kind]
    with pytest.raises(error, match=message) as refused:
        read_profile(_table_of(tmp_path, "line.csv", text), genes, lambda _: None)
    assert "\n" not in str(refused.value) and "line.csv" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is a workbook of before 2007; save it as .xlsx or CSV"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00\x21\x00\xff", "cannot be read to its end"),
        ("gene,z\n\u00e9,1\n".encode("latin-1"), "is not UTF-8 text"),
    ],
    ids=["workbook", "zip", "Latin-1"],
)
def test_what_is_no_text_is_told_by_its_first_bytes(
    content: bytes, message: str, genes: RunGenes, tmp_path: Path
) -> None:
    (tmp_path / "line.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_profile(Table.of_file(tmp_path / "line.csv"), genes, lambda _: None)


@pytest.mark.parametrize("beginning", ["", "gene,z\n"])
def test_a_file_without_end_is_read_up_to_the_bound(
    beginning: str, genes: RunGenes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGEST", 1_000)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(beginning.encode() + b"GENE000,1\n" * 100 if beginning else bytes(2_000)))
    with pytest.raises(InputError, match=r"bomb.csv.gz has more than 1,000 characters"):
        read_profile(Table.of_file(path), genes, lambda _: None)


def test_z_scores_that_may_be_none_are_doubted(genes: RunGenes, tmp_path: Path) -> None:
    for values, doubted in ((Z, False), (LOG2, True), (1e6 * Z, True)):
        notes: list[str] = []
        read_profile(_table_of(tmp_path, "line.csv", _table("gene,z", IDS, values)), genes, notes.append)
        assert any("call their column value" in note for note in notes) == doubted


def test_shares_of_all_reads_are_no_logarithms(tmp_path: Path) -> None:
    values = np.random.default_rng(3).lognormal(0, 2, 2_000)
    for all_ in (1, 100):
        cells = [(float(v), 2, "value") for v in all_ * values / values.sum()]
        assert standardising.unit_of(tmp_path, cells) is standardising.SHARES
        assert (
            standardising.unit_of(tmp_path, [(v + 1, n, c) for v, n, c in cells]) is not standardising.SHARES
        )


CUT: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda whole: whole[:-20],
    "damaged": lambda whole: whole[:40] + bytes(40) + whole[80:],
}


@pytest.mark.parametrize("how", CUT)
def test_a_packed_file_that_is_not_whole_is_refused(how: str, genes: RunGenes, tmp_path: Path) -> None:
    path = _written(tmp_path, "line.csv", FILES["TPM"][1], packed=True)
    path.write_bytes(CUT[how](path.read_bytes()))
    with pytest.raises(InputError, match="cannot be read to its end"):
        read_profile(Table.of_file(path), genes, lambda _: None)


def test_genes_without_a_value_are_skipped_and_counted(genes: RunGenes, tmp_path: Path) -> None:
    notes: list[str] = []
    cells = ["NA", "#N/A", "", "-", *map(str, Z[4:])]
    z = read_profile(_table_of(tmp_path, "line.csv", _table("gene,z", IDS, cells)), genes, notes.append)
    assert z == dict(zip(IDS[4:], Z[4:].tolist(), strict=True))
    assert notes[0] == "line.csv: genes without a value, which are skipped: 4"


@pytest.mark.parametrize("features", [(), ("expression_mean", "expression_deviation")])
def test_without_means_only_z_scores_are_read(features: tuple[str, ...], tmp_path: Path) -> None:
    genes = _genes(tmp_path / "graph", {name: torch.full((N,), torch.nan) for name in features})
    with pytest.raises(InputError, match=r"holds no means of expression .*; ingest and train again"):
        read_profile(_table_of(tmp_path, "raw.csv", FILES["TPM"][1]), genes, lambda _: None)
    z = read_profile(_table_of(tmp_path, "z.csv", FILES["z scores"][1]), genes, lambda _: None)
    assert z == dict(zip(IDS, Z.tolist(), strict=True))


def test_z_scores_of_a_mapping_go_by_any_name(genes: RunGenes) -> None:
    found = genes.by_id({"old-3": 1.0, "1004": -2.0, "NOBODY": 3.0, "TWICE": 4.0})
    assert found == {"GENE003": 1.0, "GENE004": -2.0, "NOBODY": 3.0, "TWICE": 4.0}
    with pytest.raises(InputError, match="old-3 is GENE003, which has a z score already"):
        genes.by_id({"GENE003": 1.0, "old-3": 1.0})
