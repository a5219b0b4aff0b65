"""Reads KGX files by KGX, and validates them; takes the folder, the form and the file for what was read.

KGX and the Biolink model toolkit fetch the model when they are imported. The package `biolink-model` has it, too.
"""

import json
import sys
import types
from pathlib import Path

import biolink_model
import bmt.toolkit

MODEL = Path(next(iter(biolink_model.__path__)))
bmt.toolkit.requests = types.SimpleNamespace(
    get=lambda url: types.SimpleNamespace(text="predicate mappings: []")
)
bmt.toolkit.Toolkit.__init__.__defaults__ = (str(MODEL / "schema" / "biolink_model.yaml"), "none")

import kgx.config  # noqa: E402  (after the model is in place)

prefixes = json.loads((MODEL / "prefixmaps" / "biolink_model_prefix_map.json").read_text())
own = ("", ".drug", ".gene", ".cellline", ".pathway", ".metabolite", ".dataset", ".run")
prefixes |= {f"pharmagraph{kind}": f"urn:pharmagraph{kind.replace('.', ':')}:" for kind in own}
prefixes["cellosaurus"] = "http://identifiers.org/cellosaurus/"
kgx.config.get_config()
for name in ("biolink", "monarch_context", "obo_context"):
    kgx.config.jsonld_context_map[name] = prefixes

from kgx.transformer import Transformer  # noqa: E402
from kgx.utils.kgx_utils import GraphEntityType  # noqa: E402
from kgx.validator import Validator  # noqa: E402

folder, form, out = sys.argv[1:]
validator, nodes, edges = Validator(), {}, []


def inspect(kind: GraphEntityType, record: list) -> None:
    validator(kind, record)
    if kind == GraphEntityType.NODE:
        nodes[record[0]] = record[1]
    else:
        edges.append(record[3])


files = [f"{folder}/nodes.{form}", f"{folder}/edges.{form}"]
Transformer(stream=True).transform({"filename": files, "format": form}, {"format": "null"}, inspector=inspect)
Path(out).write_text(
    json.dumps({"nodes": nodes, "edges": edges, "errors": validator.get_errors()}, default=str)
)
