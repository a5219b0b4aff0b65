"""Driver events are said in words, and names of another form as they are."""

from __future__ import annotations

import pytest

from pharmagraph.explorer.events import has_segment, in_words


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("BRAF_mut", "BRAF mutated"),
        ("loss_cnaPANCAN210_(FAT1,IRF2)", "loss of cnaPANCAN210 with FAT1, IRF2"),
        ("gain_cnaPANCAN7", "gain of cnaPANCAN7"),
        ("gain_cnaPANCAN7_(MYC), gain_cnaPANCAN8", "gain of cnaPANCAN7 and cnaPANCAN8 with MYC"),
        ("BRAF_mut; loss_cnaPANCAN2_(TP53)", "BRAF mutated; loss of cnaPANCAN2 with TP53"),
        ("p.V600E", "p.V600E"),
        ("MSI", "MSI"),
        (None, ""),
    ],
)
def test_an_event_is_said_in_words(event: str | None, said: str) -> None:
    assert in_words(event) == said
    assert has_segment(event) == ("cnaPANCAN" in said)
