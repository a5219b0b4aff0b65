"""A message about a preset does not repeat a long value whole."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pharmagraph.kg.errors import ModelError
from pharmagraph.model.presets.config import load_preset


@pytest.mark.parametrize("option", ["relations", "omics"])
def test_a_long_name_that_is_none_is_cut(tmp_path: Path, option: str) -> None:
    import pharmagraph.model.presets as presets

    about = yaml.safe_load((Path(presets.__file__).parent / "fast.yaml").read_text())
    about["network"][option] = ["drug_from_drug" + "x" * 5000]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(about))
    with pytest.raises(ModelError) as caught:
        load_preset(str(path))
    assert len(str(caught.value)) < 700 and "xxx…xxx" in str(caught.value)
