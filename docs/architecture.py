"""The packages and the imports between them, read from the syntax trees; nothing of the project is imported.

``python docs/architecture.py`` prints the figures of the structure; ``python docs/architecture.py --picture FILE.svg``
draws the packages from the bottom, which imports nothing, to the commands.
"""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = "pharmagraph"
FOLDERS = ("kg", "ingest", "cypher", "model", "workflow")


def modules(checkout: Path = CHECKOUT) -> dict[str, Path]:
    """Dotted name of every module of the library, the command line included, and its file."""
    files = [path for folder in FOLDERS for path in sorted((checkout / folder).rglob("*.py"))]
    files += [
        checkout / "cli.py",
        *sorted(p for p in (checkout / PACKAGE).glob("*.py") if not p.is_symlink()),
    ]
    found = {}
    for file in files:
        parts = list(file.relative_to(checkout).with_suffix("").parts)
        if parts[0] != PACKAGE:
            parts.insert(0, PACKAGE)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports(found: Mapping[str, Path]) -> dict[str, set[str]]:
    """Module → modules of the library that it imports, anywhere in its file, inside functions too.

    An import of a name that a package hands on counts as an import of that package.
    """
    graph: dict[str, set[str]] = {}
    for name, file in found.items():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        graph[name] = {module for module in _imported(tree, found) if module != name}
    return graph


def _imported(tree: ast.Module, found: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in found)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in found:
                    yield inner
                elif node.module in found:
                    yield node.module


def room(module: str) -> str:
    """The package that a module belongs to in the picture: ``model.inputs``, ``kg``, ``ingest``, ``cli``."""
    parts = module.split(".")[1:]
    if parts[:1] == ["model"] and len(parts) > 1:
        return ".".join(parts[:2])
    return parts[0] if parts else PACKAGE


def cycles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Sets of modules that import each other, directly or through others (strongly connected components)."""
    import networkx as nx

    return sorted(
        sorted(part) for part in nx.strongly_connected_components(_directed(graph)) if len(part) > 1
    )


def _directed(graph: Mapping[str, Iterable[str]]):
    import networkx as nx

    return nx.DiGraph([(a, b) for a, bs in graph.items() for b in bs] + [(a, a) for a in ()])


def rooms(graph: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    between: dict[str, set[str]] = {}
    for module, targets in graph.items():
        here = between.setdefault(room(module), set())
        here |= {room(t) for t in targets} - {room(module)}
    return between


def levels(between: Mapping[str, set[str]]) -> dict[str, int]:
    height: dict[str, int] = {}

    def of(name: str) -> int:
        if name not in height:
            height[name] = 1 + max((of(other) for other in between[name]), default=0)
        return height[name]

    for name in between:
        of(name)
    return height


if __name__ == "__main__":
    found = modules()
    graph = imports(found)
    for c in cycles(graph):
        print("cycle:", c)
        s = set(c)
        for m in c:
            print("    ", m, "->", sorted(graph[m] & s))
    between = rooms(graph)
    rc = cycles(between)
    print("room cycles", rc)
    for c in rc:
        for a in c:
            for b in between[a] & set(c):
                print(
                    "   ",
                    a,
                    "->",
                    b,
                    [(m, t) for m in graph if room(m) == a for t in graph[m] if room(t) == b][:6],
                )
    if not rc:
        h = levels(between)
        for name in sorted(h, key=h.get):
            print(h[name], name, sorted(between[name]))
    lengths = {m: len(f.read_text().splitlines()) for m, f in found.items()}
    print(
        "files",
        len(lengths),
        "median",
        statistics.median(lengths.values()),
        "largest",
        max((v, k) for k, v in lengths.items()),
        [k for k, v in lengths.items() if v > 400],
    )
