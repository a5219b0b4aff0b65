"""Times `cli predict` on a matrix of new compounds and all cell lines of a run, with and without intervals.

    python -m benchmarks.predict_matrix --store ladybug://pharmagraph.lbug [--run RUN] [--pairs N] [--format table|json]

The compounds are the drugs of the graph with a methyl group in place of one hydrogen, so that each is new and none is
odd. Each row is a command in a process of its own: seconds by the clock, seconds of all processors, pairs a second of a
processor, and the peak of memory. Starting Python and reading the structures is in it.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.measure import command
from pharmagraph.kg.console import Format, print_rows
from pharmagraph.kg.store import open_store
from pharmagraph.run import Run


def methylated(smiles: Sequence[str]) -> Iterator[str]:
    """Structures that have one methyl group more, each once: first one of each molecule, then the next."""
    from rdkit import Chem

    seen = {Chem.MolToSmiles(Chem.MolFromSmiles(text)) for text in smiles}
    molecules = [Chem.MolFromSmiles(text) for text in smiles]
    for number in range(max(m.GetNumAtoms() for m in molecules)):
        for molecule in molecules:
            if number >= molecule.GetNumAtoms() or not molecule.GetAtomWithIdx(number).GetTotalNumHs():
                continue
            larger = Chem.RWMol(molecule)
            atom = larger.GetAtomWithIdx(number)
            if atom.GetNumExplicitHs():
                atom.SetNumExplicitHs(atom.GetNumExplicitHs() - 1)
            larger.AddBond(number, larger.AddAtom(Chem.Atom(6)), Chem.BondType.SINGLE)
            text = Chem.MolToSmiles(larger)
            if text not in seen and Chem.MolFromSmiles(text) is not None:
                seen.add(text)
                yield text


def main() -> None:
    """Write the compounds, run the commands and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--store", required=True)
    parser.add_argument("--run")
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--format", choices=[f.value for f in Format], default="table")
    given = parser.parse_args()
    with open_store(given.store, read_only=True) as graph:
        run = Run.open(graph, given.run).id
        smiles = [row["smiles"] for row in graph.node_rows("Drug", ["smiles"]) if row["smiles"]]
        n_lines = len(graph.node_rows("CellLine", ["id"]))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        wanted = math.ceil(given.pairs / n_lines)
        new = [text for text, _ in zip(methylated(smiles), range(wanted), strict=False)]
        (place / "new.smi").write_text("".join(f"{text} new-{n}\n" for n, text in enumerate(new)))
        for name, options, ending in (
            ("new compounds, intervals, Parquet", (), "parquet"),
            ("new compounds, intervals, CSV", (), "csv"),
            ("new compounds, no intervals, Parquet", ("--no-interval",), "parquet"),
        ):
            words = [
                "predict",
                "--drugs",
                f"{place}/new.smi",
                "--store",
                given.store,
                "--run",
                run,
                "--quiet",
            ]
            took = command([*words, *options, "--out", f"{place}/out.{ending}"])
            rows.append(
                {
                    "what": name, "compounds": len(new), "cell_lines": n_lines, "seconds": took.seconds,
                    "processor_seconds": took.processor, "pairs_a_second": len(new) * n_lines / took.processor,
                    "peak_mb": took.peak_mb,
                }
            )  # fmt: skip
    print_rows(rows, Format(given.format))


if __name__ == "__main__":
    main()
