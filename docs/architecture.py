"""The packages and the imports between them, read from the syntax trees; nothing of the project is imported.

``python docs/architecture.py`` prints the figures of the structure and the packages by level;
``python docs/architecture.py --picture docs/architecture.svg`` draws them, from the package that imports nothing at the
bottom to the command line at the top.
"""

from __future__ import annotations

import argparse
import ast
import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import networkx as nx

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = "pharmagraph"
FOLDERS = ("kg", "ingest", "cypher", "model", "workflow", "explorer", "assistant")

Imports = dict[str, set[str]]
"""Module, or package → the modules or packages that it imports."""


# --- modules and imports ----------------------------------------------------------------------------------


def modules(checkout: Path = CHECKOUT) -> dict[str, Path]:
    """Dotted name → file of every module of the library, the command line included."""
    files = [path for folder in FOLDERS for path in sorted((checkout / folder).rglob("*.py"))]
    own = [checkout / "cli.py", *sorted((checkout / PACKAGE).glob("*.py"))]
    files += [path for path in own if path.is_file() and not path.is_symlink()]
    found = {}
    for file in files:
        parts = list(file.relative_to(checkout).with_suffix("").parts)
        if parts[0] != PACKAGE:
            parts.insert(0, PACKAGE)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports(found: Mapping[str, Path]) -> Imports:
    """Each module's imports of other modules of the library, those inside functions included.

    A name imported from a package counts as an import of the package, unless it is itself a module.
    """
    return {
        name: set(_imported(ast.parse(file.read_text(encoding="utf-8")), found)) - {name}
        for name, file in found.items()
    }


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


# --- packages, levels, cycles -----------------------------------------------------------------------------


def package(module: str) -> str:
    """The package that a module belongs to: ``kg``, ``model.inputs``, ``cli``, ``pharmagraph``."""
    parts = module.split(".")[1:]
    if parts and parts[0] not in (*FOLDERS, "cli"):
        return PACKAGE
    if parts[:1] == ["model"] and len(parts) > 1:
        return ".".join(parts[:2])
    return parts[0] if parts else PACKAGE


def packages(graph: Mapping[str, Iterable[str]]) -> Imports:
    """The imports between packages."""
    between: Imports = {}
    for module, imported in graph.items():
        between.setdefault(package(module), set()).update(map(package, imported))
    return {name: others - {name} for name, others in between.items()}


def levels(between: Mapping[str, set[str]]) -> dict[str, int]:
    """Each package's level: 1 if it imports no other, else one above the highest that it imports.

    Raises
    ------
    networkx.NetworkXUnfeasible
        If there is a cycle.
    """
    level: dict[str, int] = {}
    for name in reversed(list(nx.topological_sort(nx.DiGraph(between)))):
        level[name] = 1 + max((level[other] for other in between[name]), default=0)
    return level


def cycles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Sets of modules that import each other, directly or through others."""
    strong = nx.strongly_connected_components(nx.DiGraph(graph))
    return sorted(sorted(members) for members in strong if len(members) > 1)


@dataclass(frozen=True)
class Figures:
    """The size and shape of the library.

    Attributes
    ----------
    files
        Number of modules.
    levels
        Levels of packages.
    cycles
        Import cycles between modules.
    median_lines, largest_lines, largest
        Lines of the median and of the largest module, and the largest module's name.
    longest_chain
        Modules in the longest chain of imports; 0 if there is a cycle.
    """

    files: int
    levels: int
    cycles: int
    median_lines: float
    largest_lines: int
    largest: str
    longest_chain: int


def figures(found: Mapping[str, Path], graph: Imports) -> Figures:
    """The figures of the library."""
    lines = {name: len(file.read_text(encoding="utf-8").splitlines()) for name, file in found.items()}
    largest = max(lines, key=lambda name: lines[name])
    rings = cycles(graph)
    return Figures(
        files=len(found),
        levels=max(levels(packages(graph)).values()) if not cycles(packages(graph)) else 0,
        cycles=len(rings),
        median_lines=statistics.median(lines.values()),
        largest_lines=lines[largest],
        largest=largest,
        longest_chain=0 if rings else len(nx.dag_longest_path(nx.DiGraph(graph))),
    )


# --- the picture ------------------------------------------------------------------------------------------

WIDTH, ROW, BOX_HEIGHT, CHARACTER, PADDING, MARGIN = 900, 70, 32, 8.2, 13, 20  # pixels
COLOURS = {"kg": "#dbe9f6", "ingest": "#e3f1dc", "cypher": "#e3f1dc", "model": "#fdeecb"}
OTHER = "#eadff2"


def picture(between: Imports) -> str:
    """An SVG of the packages by level; arrows point from a package to those that it imports.

    An import that a chain of arrows implies has no arrow of its own.
    """
    level = dict(sorted(levels(between).items()))  # in one order, so that the same imports give the same file
    graph = nx.transitive_reduction(nx.DiGraph(between))
    chains = {(a, b): _through(a, b, level) for a, b in sorted(graph.edges)}
    x = _columns(level, list(chains.values()))
    top = max(level.values())

    def at(name: str) -> tuple[float, float]:
        own = level[name] if name in level else int(name.rsplit("@", 1)[1])
        return x[name], MARGIN + (top - own) * ROW + BOX_HEIGHT / 2

    height = 2 * MARGIN + (top - 1) * ROW + BOX_HEIGHT
    left = min(
        0.0, *(x[name] - _width(name) / 2 - PADDING for name in x)
    )  # a level may need more room than `WIDTH`
    wide = max(WIDTH, *(x[name] + _width(name) / 2 + PADDING for name in x)) - left
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:.0f} 0 {wide:.0f} {height:.0f}" '
        'font-family="sans-serif" font-size="14">',
        "<title>Packages of pharmagraph and their imports</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>',
        f'<rect x="{left:.0f}" width="{wide:.0f}" height="{height:.0f}" fill="white"/>',
    ]
    for chain in chains.values():
        parts.append(_arrow([at(name) for name in chain]))
    for name in level:
        parts.append(_box(name, *at(name)))
    return "\n".join([*parts, "</svg>", ""])


def _through(a: str, b: str, level: Mapping[str, int]) -> list[str]:
    """An arrow's ends with one point between them on every level that it crosses."""
    return [a, *(f"{a}>{b}@{n}" for n in range(level[a] - 1, level[b], -1)), b]


def _columns(level: Mapping[str, int], chains: list[list[str]]) -> dict[str, float]:
    """The x of every box and crossing: boxes near the mean of their neighbours, crossings above their arrow's end."""
    neighbours: dict[str, list[str]] = {name: [] for name in level}
    for chain in chains:
        for above, below in pairwise(chain):
            neighbours.setdefault(above, []).append(below)
            if below in level:
                neighbours[below].append(above)
    rows: dict[int, list[str]] = {}
    for name in neighbours:
        own = level[name] if name in level else int(name.rsplit("@", 1)[1])
        rows.setdefault(own, []).append(name)
    x = dict.fromkeys(neighbours, WIDTH / 2)
    for sweep in range(24):
        for number in sorted(rows, reverse=bool(sweep % 2)):
            wished = {
                n: statistics.fmean(x[m] for m in neighbours[n]) if neighbours[n] else x[n]
                for n in rows[number]
            }
            row = sorted(rows[number], key=lambda n: (wished[n], n))
            x.update(_spread(row, wished))
    return x


def _spread(row: list[str], wished: Mapping[str, float]) -> dict[str, float]:
    """The x of each box of a row: near the wished one, in the given order, without overlap, inside the picture."""
    half = {name: _width(name) / 2 + PADDING for name in row}
    placed: list[float] = []
    for number, name in enumerate(row):
        least = half[name] if not number else placed[-1] + half[row[number - 1]] + half[name]
        placed.append(max(least, wished[name]))
    limit = float(WIDTH)
    for number in range(len(row) - 1, -1, -1):
        placed[number] = min(placed[number], limit - half[row[number]])
        limit = placed[number] - half[row[number]]
    return dict(zip(row, placed, strict=True))


def _width(name: str) -> float:
    return 10.0 if "@" in name else len(name) * CHARACTER + 2 * PADDING


def _box(name: str, x: float, y: float) -> str:
    width = _width(name)
    colour = COLOURS.get(name.split(".")[0], OTHER)
    return (
        f'<rect x="{x - width / 2:.1f}" y="{y - BOX_HEIGHT / 2:.1f}" width="{width:.1f}" height="{BOX_HEIGHT}" rx="5" '
        f'fill="{colour}" stroke="#444"/>'
        f'<text x="{x:.1f}" y="{y + 5:.1f}" text-anchor="middle">{name}</text>'
    )


def _arrow(points: list[tuple[float, float]]) -> str:
    """A smooth line downward; it passes upright through every level that it crosses."""
    x, y = points[0]
    path = [f"M{x:.1f} {y + BOX_HEIGHT / 2:.1f}"]
    above = y + BOX_HEIGHT / 2
    for number, (next_x, next_y) in enumerate(points[1:], start=1):
        last = number == len(points) - 1
        entry = next_y - BOX_HEIGHT / 2 - (2 if last else 0)
        middle = (above + entry) / 2
        path.append(f"C{x:.1f} {middle:.1f} {next_x:.1f} {middle:.1f} {next_x:.1f} {entry:.1f}")
        if not last:
            above = next_y + BOX_HEIGHT / 2
            path.append(f"V{above:.1f}")
        x = next_x
    return f'<path d="{" ".join(path)}" fill="none" stroke="#777" stroke-width="1.3" marker-end="url(#tip)"/>'


def main() -> None:
    """Print the figures and the levels, or draw the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--picture", type=Path, metavar="FILE.svg", help="draw the packages into this file")
    chosen = parser.parse_args()
    found = modules()
    graph = imports(found)
    between = packages(graph)
    for ring in [*cycles(graph), *cycles(between)]:
        print("cycle:", ", ".join(ring))
    if chosen.picture is not None:
        chosen.picture.write_text(
            picture({name: others for name, others in between.items() if others or name == "kg"}),
            encoding="utf-8",
        )
        return
    made = figures(found, graph)
    print(f"{made.files} files on {made.levels} levels, {made.cycles} import cycles")
    print(f"lines: median {made.median_lines:g}, at most {made.largest_lines} ({made.largest})")
    print(f"longest chain of imports: {made.longest_chain} modules")
    level = levels(between) if not cycles(between) else {}
    for name in sorted(level, key=lambda n: (level[n], n)):
        print(f"{level[name]:>3} {name:<18} {', '.join(sorted(between[name]))}")


if __name__ == "__main__":
    main()
