"""Run by `test_wheel` in a fresh environment, in a folder with a `model.py`, a `cli.py` and a `kg/` of the user's."""

import sys

import cli
import kg
import model
import pharmagraph as pg

assert (model.MINE, cli.MINE, kg.MINE) == (True, True, True)
assert "site-packages" in pg.__file__, pg.__file__

store = pg.open_store("ladybug://screen.lbug")
pg.ingest.synthetic(store)
pg.ingest.targets(store, "targets.csv")
run = pg.train(store, preset="fast", training={"epochs": 2}, promote=True)
assert not run.figures.empty
assert len(pg.Run.open(store).predict("synthetic-drug-0001", limit=3)) == 3
assert run.explain("synthetic-drug-0001", "synthetic-line-0001").genes
assert not run.attention("Drug", "Gene", limit=1).empty
assert not pg.query(store, "strongest-links").empty
assert not pg.evaluate(store, "additive", folds=2).empty
assert run.report("run.html").is_file()
store.close()

for name in ("model", "cli", "kg"):
    assert sys.modules[name].MINE
ours = {
    m.split(".")[0]
    for m in sys.modules
    if (getattr(sys.modules[m], "__file__", None) or "").find("/pharmagraph/") > 0
}
assert ours == {"pharmagraph"}, ours
print("the loop is done")
