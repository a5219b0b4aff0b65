"""Checks what works on this machine: versions, engines, device, kernels, tools. It changes nothing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

PACKAGES = (
    "torch",
    "ladybug",
    "neo4j",
    "pandas",
    "pyarrow",
    "rdkit",
    "pytorch-lightning",
    "typer",
    "networkx",
)


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes
    ----------
    what
        What was checked, such as ``"embedded store"``.
    state
        ``ok``; ``missing`` for something optional; ``broken`` for something that training needs.
    detail
        Version, place or reason.
    """

    what: str
    state: Literal["ok", "missing", "broken"]
    detail: str

    def row(self) -> dict[str, str]:
        """For printing."""
        return asdict(self)


def examine() -> Iterator[Finding]:
    """Run every check in turn; a check that fails gives a finding, never an exception."""
    checks: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("dgl", _dgl),
        ("embedded store", _embedded_store),
        ("neo4j", _neo4j),
        ("device", _device),
        ("kernels", _kernels),
        ("compiler", lambda: _tool("compiler", ("c++", "g++", "clang++"), "kernels fall back to numba")),
        ("java", lambda: _tool("java", ("java",), "`cli db start` needs it where there is no Docker")),
        ("maven", lambda: _tool("maven", ("mvn",), "`cli db start` needs it where there is no Docker")),
        ("docker", lambda: _tool("docker", ("docker",), "`cli db start` then uses Java and Maven")),
        ("cache", _cache),
    )
    for what, check in checks:
        try:
            yield check()
        except Exception as error:  # the user runs the doctor to see exactly such errors
            yield Finding(what, "broken", f"{type(error).__name__}: {error}".splitlines()[0])


def _python() -> Finding:
    return Finding(
        "python",
        "ok",
        f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    )


def _packages() -> Finding:
    return Finding("packages", "ok", ", ".join(f"{p} {importlib.metadata.version(p)}" for p in PACKAGES))


def _dgl() -> Finding:
    try:
        return Finding("dgl", "ok", importlib.metadata.version("dgl"))
    except importlib.metadata.PackageNotFoundError:
        return Finding("dgl", "missing", "`cli export dgl` needs it; it has wheels up to Python 3.11")


def _embedded_store() -> Finding:
    from pharmagraph.kg.ladybug.store import LadybugStore

    with tempfile.TemporaryDirectory() as folder, LadybugStore(f"ladybug://{folder}/probe.lbug") as store:
        store.create_schema()
        version = store.schema_version()
    return Finding("embedded store", "ok", f"writes and reads, schema {version}")


def _neo4j() -> Finding:
    from pharmagraph.kg.store import URL_VARIABLE, open_store

    url = os.environ.get(URL_VARIABLE, "")
    if not url.startswith(("bolt", "neo4j")):
        return Finding(
            "neo4j", "missing", f"none asked for; set {URL_VARIABLE}=bolt://host:7687, or: cli db start"
        )
    with open_store(url, read_only=True) as store:
        return Finding("neo4j", "ok", f"{store.url} answers, schema {store.schema_version()}")


def _device() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding("device", "ok", f"cuda: {torch.cuda.get_device_name(0)}")
    return Finding("device", "ok", f"cpu, {torch.get_num_threads()} threads; no GPU is seen")


def _kernels() -> Finding:
    from pharmagraph.model.kernels import status

    found = status()
    # a kernel that the user chose is fine; a slower one in place of the compiled one is reported
    fallen_back = not found["cpu"].startswith("cpu:") and "is set" not in found["cpu"]
    return Finding(
        "kernels",
        "missing" if fallen_back else "ok",
        "; ".join(f"on {device}, {kernel}" for device, kernel in found.items()),
    )


def _tool(what: str, names: tuple[str, ...], without: str) -> Finding:
    for name in names:
        if path := shutil.which(name):
            return Finding(what, "ok", Path(path).name)
    return Finding(what, "missing", without)


def _cache() -> Finding:
    from platformdirs import user_cache_path

    folder = user_cache_path("pharmagraph")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        free = shutil.disk_usage(folder).free / 1e9
    return Finding("cache", "ok", f"{folder}, {free:.0f} GB free")
