"""What the kernels and a training take on a GPU, in under four minutes: parity, times beside PyG, roofline, an epoch.

    python -m benchmarks.gpu [--cases 34k,200k,2M,20M] [--store pharmagraph.lbug]
    python -m benchmarks.gpu --page

The first writes docs/gpu.json and the section of docs/kernels.md; without a GPU it ends in one line and writes nothing.
The second writes the section again.

Parity is the largest difference of output and gradients from the reference in float64, as a share of the largest value.
Times are medians of one forward and backward pass, all in the same process, the GPU's queue emptied before each
reading. A pass has to read the row of each edge's source: the share of the memory's speed, measured by copying,
says how near that comes to the machine's limit; above 1 rows are found in the cache.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.gatv2 import CASES, Case
from benchmarks.measure import measure
from benchmarks.recorded import commit, today, with_figures
from pharmagraph.model.kernels import Csr, Relation, attend

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE, FIGURES = "kernels.md", "gpu.json"
BEGIN, END = "<!-- figures: python -m benchmarks.gpu --page -->\n", "<!-- end of figures -->\n"
NOT_RUN = (
    "Not run: no machine with a GPU was there. `python -m benchmarks.gpu` runs it, and writes this section.\n"
)
PARITY = {"small": Case(20, 20, 80, 2, 32), "wide": Case(30, 20, 60, 4, 93)}
SECONDS, MOST = 1.0, 20
"""For repetitions of a pass."""

Row = dict[str, Any]


def relation(case: Case, device: str) -> Relation:
    """The case's edges with one feature each, and random projected features, all of which have gradients."""
    src, dst, n = case.edges()
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).to(device).requires_grad_()

    heads, channels = case.heads, case.channels
    return Relation(
        Csr.from_edges(src, dst, n, n).to(device),
        random(n, heads, channels),
        random(n, heads, channels),
        random(heads, channels),
        random(len(src), 1),
        random(heads, 1, channels),
    )


def _leaves(one: Relation) -> list[Tensor]:
    tensors = (one.x_src, one.x_dst, one.att, one.edge_attr, one.edge_weight)
    return [tensor for tensor in tensors if tensor is not None]


def parity(name: str, case: Case, device: str) -> Row:
    """The kernel's differences from the reference: of the output, and of the gradients."""

    def results(dtype: torch.dtype, implementation: str) -> list[Tensor]:
        given = relation(case, device)
        leaves = [tensor.detach().to(dtype).requires_grad_() for tensor in _leaves(given)]
        out, _ = attend([Relation(given.graph, *leaves)], implementation=implementation)
        weights = torch.linspace(-1, 1, out.numel(), device=device, dtype=dtype).view_as(out)
        (out * weights).sum().backward()
        return [out.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]

    exact, found = results(torch.float64, "reference"), results(torch.float32, "cuda")
    apart = [float((a - b.double()).abs().max() / a.abs().max()) for a, b in zip(exact, found, strict=True)]
    return {"what": "parity", "case": name, "output": apart[0], "gradients": max(apart[1:])}


def passes(case: Case, device: str, implementation: str) -> tuple[Callable[[], Tensor], Sequence[Tensor]]:
    """A forward pass, and what its backward pass gives gradients to."""
    if implementation != "pyg":
        given = relation(case, device)
        return lambda: attend([given], implementation=implementation, attention=False)[0], _leaves(given)
    from torch_geometric.nn import GATv2Conv

    width = case.heads * case.channels
    layer = GATv2Conv(
        width, case.channels, heads=case.heads, edge_dim=1, add_self_loops=False, bias=False
    ).to(device)
    layer.lin_l = layer.lin_r = torch.nn.Identity()  # the kernels get features that are projected already
    src, dst, n = case.edges()
    edges = torch.as_tensor(np.stack([src, dst]), device=device)
    x = torch.randn(n, width, device=device, requires_grad=True)
    y = torch.randn(n, width, device=device, requires_grad=True)
    attr = torch.rand(len(src), 1, device=device, requires_grad=True)
    return lambda: layer((x, y), edges, attr), [x, y, attr, *layer.parameters()]


def seconds(work: Callable[[], object], device: str) -> float:
    """Median of repetitions, each until the device has done all of it."""

    def once() -> None:
        work()
        if device == "cuda":
            torch.cuda.synchronize()

    return measure(once, seconds=SECONDS, most=MOST).seconds


def timed(name: str, case: Case, device: str, implementation: str, bandwidth: float) -> Row:
    """Forward alone, forward and backward, the peak of memory, and the share of the memory's speed."""
    forward, leaves = passes(case, device, implementation)

    def both() -> None:
        for leaf in leaves:
            leaf.grad = None
        forward().sum().backward()

    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    with torch.no_grad():
        alone = seconds(forward, device)
    whole = seconds(both, device)
    n_edges = len(case.edges()[0])
    peak = (torch.cuda.max_memory_allocated() - before) / 1e6 if device == "cuda" else None
    gathered = 4 * n_edges * case.heads * case.channels / alone
    return {
        "what": "pass",
        "case": name,
        "implementation": implementation,
        "edges": n_edges,
        "forward": alone,
        "forward and backward": whole,
        "peak MB": peak,
        "share of memory speed": gathered / bandwidth,
    }


def memory_speed(device: str, megabytes: int = 1024) -> float:
    """Bytes a second that are read and written while an array is copied."""
    array = torch.zeros(megabytes * 1024**2 // 4, device=device)
    into = torch.empty_like(array)
    return 2 * 4 * array.numel() / seconds(lambda: into.copy_(array), device)


def epochs(store: Path, device: str) -> Row:
    """The median epoch of the default preset's first network, on a copy of an embedded store."""
    import pharmagraph as pg
    from pharmagraph.kg.store import open_store

    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(store, folder)
        with open_store(f"ladybug://{copy}") as graph:
            pg.train(graph, device=device, folder=folder, training={"members": 1, "epochs": 4}, workers=1)
        (log,) = Path(folder).glob("*/log.jsonl")
        steps = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    taken = [step["seconds"] for step in steps if step["step"] == "epoch"]
    return {"what": "epoch", "device": device, "epochs": len(taken), "seconds": statistics.median(taken)}


def measured(cases: Sequence[str], store: Path | None, device: str = "cuda") -> list[Row]:
    """All rows, the machine first."""
    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    bandwidth = memory_speed(device, 1024 if device == "cuda" else 16)
    machine = {"what": "machine", "name": name, "torch": torch.__version__, "GB/s": bandwidth / 1e9}
    rows: list[Row] = [machine | {"commit": commit(), "day": today()}]
    rows += [parity(case, PARITY[case], device) for case in PARITY if device == "cuda" or case == "small"]
    for case in cases:
        for implementation in ("cuda", "reference", "pyg"):
            try:
                rows.append(timed(case, CASES[case], device, implementation, bandwidth))
            except torch.OutOfMemoryError:
                rows.append({"what": "pass", "case": case, "implementation": implementation, "forward": None})
            if device == "cuda":
                torch.cuda.empty_cache()
    if store is not None:
        rows += [epochs(store, one) for one in ("cpu", device)]
    return rows


def figures(rows: Sequence[Mapping[str, Any]]) -> str:
    """The section of the page; that it was not run where there are no rows."""
    if not rows:
        return NOT_RUN
    of = {
        what: [row for row in rows if row["what"] == what] for what in ("machine", "parity", "pass", "epoch")
    }
    (machine,) = of["machine"]
    apart = max(max(row["output"], row["gradients"]) for row in of["parity"])
    lines = [
        f"{machine['name']}, {machine['GB/s']:,.0f} GB/s by copying, torch {machine['torch']}; commit "
        f"{machine['commit']}, {machine['day']}. Output and gradients are within {apart:.1e} of the "
        "reference in float64.",
        "",
        "| case | edges | implementation | forward, ms | forward and backward, ms | times ours | peak MB | "
        "share of memory speed |",
        "|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    ours = {row["case"]: row["forward and backward"] for row in of["pass"] if row["implementation"] == "cuda"}
    for row in of["pass"]:
        if row["forward"] is None:
            lines.append(f"| {row['case']} | – | {row['implementation']} | out of memory | – | – | – | – |")
            continue
        whole = row["forward and backward"]
        peak = "–" if row["peak MB"] is None else f"{row['peak MB']:,.0f}"
        lines.append(
            f"| {row['case']} | {row['edges']:,} | {row['implementation']} | {1e3 * row['forward']:.3f} | "
            f"{1e3 * whole:.3f} | {whole / ours[row['case']]:.1f} | {peak} | {row['share of memory speed']:.2f} |"
        )
    lines += [""] + [
        f"An epoch of `default` on the {row['device']}: {row['seconds']:.2f} s, the median of {row['epochs']}."
        for row in of["epoch"]
    ]
    return "\n".join(lines).rstrip() + "\n"


def page(docs: Path = DOCS) -> None:
    """Write the section of the page from the file of figures."""
    file, text = docs / FIGURES, docs / PAGE
    rows = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    said = with_figures(text.read_text(encoding="utf-8"), BEGIN, END, "\n" + figures(rows))
    text.write_text(said, encoding="utf-8")


def main() -> None:
    """Measure, or write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", default="34k,200k,2M,20M")
    parser.add_argument(
        "--store", type=Path, help="an embedded store's file: times an epoch of `default`, too"
    )
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    if not asked.page:
        if not torch.cuda.is_available():
            raise SystemExit("there is no GPU that torch can use; nothing was measured or written")
        rows = measured(asked.cases.split(","), asked.store)
        lines = ",\n".join(json.dumps(row) for row in rows)
        (DOCS / FIGURES).write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    page()


if __name__ == "__main__":
    main()
