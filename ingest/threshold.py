"""Rules by which an ln IC50 is labelled sensitive or resistant; docs/curves.md compares them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pharmagraph.ingest.names import unmatched_note
from pharmagraph.kg.errors import InputError
from pharmagraph.kg.reading.numbers import finite_number
from pharmagraph.kg.wording import named

DEFAULT = "z:-0.8"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rule:
    """A rule for the ln IC50 at and below which a cell line counts as sensitive.

    Parameters
    ----------
    text
        The rule as the user writes it and as every edge records it.
    value
        The number in the rule: a share, deviations, a probability or a value, by the rule.
    limit
        Function of one drug's ln IC50 over cell lines and of ``value``; returns the threshold, in ln(µmol/l).
    """

    text: str
    value: float
    limit: Callable[[Floats, float], float]


def _quantile(ln_ic50: Floats, share: float) -> float:
    return float(np.quantile(ln_ic50, share))


def _z(ln_ic50: Floats, deviations: float) -> float:
    return float(np.mean(ln_ic50) + deviations * np.std(ln_ic50))


def _fixed(ln_ic50: Floats, value: float) -> float:
    return value


def _outlier(ln_ic50: Floats, probability: float) -> float:
    """A quantile in the lower tail of a normal distribution that is fitted to the resistant cell lines.

    After Knijnenburg et al., Sci. Rep. 6 (2016) 36812 (LOBICO). Resistant cell lines are taken to be symmetric
    about their mode. So their spread is estimated above the mode, where there are no sensitive cell lines.
    """
    from scipy.stats import gaussian_kde, norm

    if len(ln_ic50) < 3 or np.ptp(ln_ic50) == 0:
        return float(np.min(ln_ic50))
    grid = np.linspace(np.min(ln_ic50), np.max(ln_ic50), 512)
    mode = float(grid[np.argmax(gaussian_kde(ln_ic50)(grid))])
    above = ln_ic50[ln_ic50 >= mode] - mode
    spread = float(np.sqrt(np.mean(above**2))) if len(above) else 0.0
    return mode + float(norm.ppf(probability)) * spread


_RULES: dict[str, tuple[Callable[[Floats, float], float], Callable[[float], bool], str]] = {
    "drug-quantile": (_quantile, lambda v: 0 < v < 1, "a share between 0 and 1, as in drug-quantile:0.25"),
    "z": (_z, lambda v: True, "standard deviations from the drug's mean, as in z:-0.8"),
    "outlier": (_outlier, lambda v: 0 < v < 1, "a probability between 0 and 1, as in outlier:0.05"),
    "ln": (_fixed, lambda v: True, "an ln IC50 in ln(µmol/l), as in ln:0"),
}


def parse(text: str) -> Rule:
    """Parse a rule.

    Raises
    ------
    InputError
        If there is no such rule, or its number is missing or out of bounds.
    """
    if text == "drug-median":
        return Rule(text, 0.5, _quantile)
    name, _, number = text.partition(":")
    if name not in _RULES:
        raise InputError(
            f'{named("threshold")} "{text}" is not a rule; there are drug-median, drug-quantile:SHARE, z:DEVIATIONS, '
            "outlier:PROBABILITY and ln:VALUE"
        )
    limit, allowed, expected = _RULES[name]
    value = finite_number(number)
    if value is None or not allowed(value):
        raise InputError(f'{named("threshold")} "{text}": "{number}" is not {expected}')
    return Rule(text, value, limit)


def limits(ln_ic50: Floats, drug: npt.NDArray[np.int64], n_drugs: int, rule: Rule) -> Floats:
    """Each drug's threshold.

    Parameters
    ----------
    ln_ic50
        Measured values, ``(m,)``, in ln(µmol/l).
    drug
        Number of the drug of each value, ``(m,)``.
    n_drugs
        Number of drugs.
    rule
        The rule.

    Returns
    -------
    ndarray
        ``(n_drugs,)`` in ln(µmol/l); NaN for a drug without values, and where a rule relative to the drug cannot tell
        its cell lines apart: one value, values without spread, and a threshold that none of them is above, as of a
        drug that was capped at its highest concentration.
    """
    result = np.full(n_drugs, np.nan)
    order = np.argsort(drug, kind="stable")
    numbers, starts = np.unique(drug[order], return_index=True)
    for number, values in zip(numbers, np.split(ln_ic50[order], starts)[1:], strict=True):
        if rule.limit is _fixed or (len(values) > 1 and np.ptp(values) > 0):
            limit = rule.limit(values, rule.value)
            result[number] = limit if rule.limit is _fixed or limit < values.max() else np.nan
    return result


def labels(ln_ic50: Floats, limit: Floats, side: npt.NDArray[np.int8] | None = None) -> pa.Array:
    """1 at and below a threshold, 0 above, null where there is no value or no threshold.

    ``side`` is 1 where ln IC50 is only known to be above the value, -1 where it is only known to be below. It then has
    a label where all that it may be has the same one, else null.
    """
    cannot = np.isnan(ln_ic50) | np.isnan(limit)
    if side is not None:
        cannot |= np.where(ln_ic50 <= limit, side > 0, side < 0)
    return pa.array((ln_ic50 <= limit).astype(np.int64), pa.int64(), mask=cannot)


def unlabelled_note(tested_on: pa.Table, names: Mapping[str, str], rule: Rule) -> tuple[str, ...]:
    """Sentences that name drugs (id → name) whose ln IC50 the rule could not label, and count bounds of others."""
    without = pc.and_(pc.is_valid(tested_on["ln_ic50"]), pc.is_null(tested_on["response"]))
    labelled = pc.unique(tested_on["src"].filter(pc.is_valid(tested_on["response"]))).cast(pa.string())
    drugs = tested_on["src"].filter(without)
    bounds = pc.sum(pc.is_in(drugs, labelled)).as_py() or 0
    ids = pc.unique(drugs.filter(pc.invert(pc.is_in(drugs, labelled)))).to_pylist()
    reason = f"have no label by {rule.text}, which cannot tell cell lines apart of which none is above the threshold"
    counted = (
        f"{bounds:,} censored responses have no label by {rule.text}: what is known of them is on both sides of the "
        "threshold"
    )
    return (
        *unmatched_note("drugs", [names[id_] for id_ in ids], reason),
        *((counted,) if bounds else ()),
    )


def recorded(rule: Rule, limit: float) -> str | None:
    """The text of the ``threshold`` property: the rule and the threshold that follows from it; None without one."""
    return None if np.isnan(limit) else f"{rule.text} = {limit:.4f} ln(µmol/l)"
