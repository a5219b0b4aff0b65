"""Writes a bill of materials (CycloneDX) of what a wheel brings to an installation like this one.

    python -m supply_chain.sbom dist/pharmagraph.cdx.json

It lists the packages that the library needs without extras, with version, licence and what each needs. Addresses and
places are left out, so that it says nothing of the machine or of where packages came from.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parent.parent
ROOT = "root-component"
"""How cyclonedx-py refers to the project itself."""


def needed(name: str = "pharmagraph") -> set[str]:
    """Names of the installed packages that one needs on this machine, without it."""
    found: set[tuple[str, str]] = set()
    left = [(canonicalize_name(name), "")]
    while left:
        package, extra = left.pop()
        for text in metadata.requires(package) or []:
            wanted = Requirement(text)
            if wanted.marker is not None and not wanted.marker.evaluate({"extra": extra}):
                continue
            for one in ("", *wanted.extras):
                pair = (canonicalize_name(wanted.name), one)
                if pair not in found:
                    found.add(pair)
                    left.append(pair)
    return {package for package, _ in found}


def bill() -> dict[str, Any]:
    """The bill of materials as cyclonedx-py makes it of this environment, cut down to what is needed."""
    made = subprocess.run(
        [sys.executable, "-m", "cyclonedx_py", "environment", "--pyproject", str(CHECKOUT / "pyproject.toml"),
         "--short-PURLs", "--output-reproducible", "--mc-type", "library", sys.executable],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    whole: dict[str, Any] = json.loads(made.stdout)
    wanted = needed()
    whole["components"] = [c for c in whole["components"] if canonicalize_name(c["name"]) in wanted]
    kept = {c["bom-ref"] for c in whole["components"]} | {ROOT}
    whole["dependencies"] = [
        d | {"dependsOn": [ref for ref in d["dependsOn"] if ref in kept]} if "dependsOn" in d else d
        for d in whole["dependencies"]
        if d["ref"] in kept
    ]
    for component in [*whole["components"], *whole["metadata"]["tools"]["components"]]:
        component.pop("externalReferences", None)
        component.pop("properties", None)
    return whole


def main() -> None:
    """Write the bill of materials to the place that is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("place", type=Path)
    place = parser.parse_args().place
    made = bill()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    print(f"{place}: {len(made['components'])} packages")


if __name__ == "__main__":
    main()
