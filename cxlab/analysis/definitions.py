"""The registry of metrics: which question, which scale, which answers count, and who published it.

`metrics.yaml` holds one versioned entry per index; this module reads it once and finds an entry by name.
Proprietary indices have an entry too, which only explains why they are not computed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

import yaml

from cxlab.errors import AnalysisError, Message

Family = Literal["net", "share", "mean", "rescaled", "rate"]
Status = Literal["published", "concept_published_cut_assumed", "practice", "house", "proprietary"]

UNITS: Mapping[str, str] = MappingProxyType(
    {"net": "points", "share": "percent", "mean": "scale", "rescaled": "points", "rate": "percent"}
)
RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"net": (-100.0, 100.0), "share": (0.0, 100.0), "rescaled": (0.0, 100.0), "rate": (0.0, 100.0)}
)
TOP_K = re.compile(r"top_?(\d+)_(?:of_)?(?:(0)_(?:to_)?)?(\d+)")

# Why an index that carries somebody's name is not imitated.
REASONS: Mapping[str, Message] = MappingProxyType(
    {
        "forrester_cx": Message("it weighs its items by industry with an algorithm that is not public"),
        "acsi": Message("its weights come from a model for each industry that is not public"),
        "bcx": Message("its formula is not public"),
    }
)


@dataclass(frozen=True, slots=True)
class Metric:
    """One entry of the registry.

    Attributes
    ----------
    id, version : str
        The name to call it by, and which definition that is.
    label : Mapping[str, str]
        Its name in ``en`` and ``es``.
    family : {"net", "share", "mean", "rescaled", "rate"}
        How a respondent's answers become a contribution.
    slots : tuple of str
        The questions it needs; a column of the same name is used unless `columns` says another.
    scale : tuple of int or None
        Lowest and highest possible answer.
    positive, negative : tuple of int
        Answers that count for and against.
    slot_weights : tuple of float
        Weight of each slot, summing to one (equal where the entry gives none).
    status : str
        published, concept_published_cut_assumed, practice, house or proprietary.
    unit : str
        points, percent or scale.
    limits : tuple of float or None
        Lowest and highest possible value of the index.
    bands : tuple of Mapping
        Published readings of a value: ``min`` and a word in each language.
    source : tuple of str
        Where the definition was read.
    caveats : tuple of str
        Codes that every claim on this metric carries.
    nearest : str
        For a proprietary entry, the computable metric that comes closest.
    """

    id: str
    version: str
    label: Mapping[str, str]
    family: Family
    slots: tuple[str, ...]
    scale: tuple[int, int] | None
    positive: tuple[int, ...]
    negative: tuple[int, ...]
    slot_weights: tuple[float, ...]
    status: Status
    unit: str
    limits: tuple[float, float] | None
    bands: tuple[Mapping[str, Any], ...]
    source: tuple[str, ...]
    caveats: tuple[str, ...]
    nearest: str


def _entry(raw: Mapping[str, Any]) -> Metric:
    slots = tuple(raw["slots"])
    given = raw.get("slot_weights", [1] * len(slots))
    scale = tuple(raw["scale"]) if raw.get("scale") else None
    family = raw["family"]
    return Metric(
        id=raw["id"],
        version=raw["version"],
        label=MappingProxyType(dict(raw["label"])),
        family=family,
        slots=slots,
        scale=scale,
        positive=tuple(raw.get("positive", ())),
        negative=tuple(raw.get("negative", ())),
        slot_weights=tuple(weight / sum(given) for weight in given),
        status=raw["status"],
        unit=UNITS[family],
        limits=scale if family == "mean" else RANGES[family],
        bands=tuple(MappingProxyType(dict(band)) for band in raw.get("bands", ())),
        source=tuple(raw.get("source", ())),
        caveats=tuple(raw.get("caveats", ())),
        nearest=raw.get("nearest", ""),
    )


@cache
def _entries() -> Mapping[str, Metric]:
    text = files("cxlab.analysis").joinpath("metrics.yaml").read_text(encoding="utf-8")
    return MappingProxyType({raw["id"]: _entry(raw) for raw in yaml.safe_load(text)})


def registry() -> list[Metric]:
    """List every metric there is, proprietary ones included.

    Returns
    -------
    list of Metric
        In the order of `metrics.yaml`.

    Examples
    --------
    >>> [entry.id for entry in registry()][:3]
    ['nps', 'pxi', 'insc']
    """
    return list(_entries().values())


def definition(metric: str) -> Metric:
    """Find a metric by its id; upper or lower case, hyphens or spaces do not matter.

    Parameters
    ----------
    metric : str
        An id of `registry`, or ``top_K_of_M``: the share of the K highest answers on a scale from 1 to M
        (``top_2_of_5``), or from 0 (``top_2_of_0_10``).

    Returns
    -------
    Metric
        The frozen entry.

    Raises
    ------
    AnalysisError
        If there is no such metric; the message names the nearest.

    Examples
    --------
    >>> definition("NPS").positive
    (9, 10)
    >>> definition("top_2_of_5").positive
    (4, 5)
    """
    if not isinstance(metric, str):
        raise AnalysisError("metric is {given!r}; give the id of a metric as text, e.g. nps", given=metric)
    name = re.sub(r"[\s\-]+", "_", metric.strip().lower())
    if name in _entries():
        return _entries()[name]
    boxes = TOP_K.fullmatch(name)
    if boxes:
        return _top_k(int(boxes[1]), int(boxes[2] or 1), int(boxes[3]))
    known = list(_entries())
    nearest = difflib.get_close_matches(name, known, n=2, cutoff=0.4)
    raise AnalysisError(
        "there is no metric {metric!r}; the nearest is {nearest}; there are {known}",
        metric=metric,
        nearest=", ".join(nearest) or "nps",
        known=", ".join(known),
    )


def _top_k(k: int, low: int, high: int) -> Metric:
    if not (low < high <= 100 and 0 < k < high - low + 1):
        raise AnalysisError(
            "the {k} highest answers of a scale from {low} to {high} make no metric; "
            "ask for fewer than all of them, e.g. top_2_of_5",
            k=k,
            low=low,
            high=high,
        )
    positive = tuple(range(high - k + 1, high + 1))
    scale = f"{high}" if low else f"0_{high}"
    told = f"{positive[0]}-{high}" if k > 1 else f"{high}"
    label = {
        "en": f"Answers {told} on a scale {low}-{high}",
        "es": f"Respuestas {told} en escala {low}-{high}",
    }
    return replace(
        _entries()["top_k"],
        id=f"top_{k}_of_{scale}",
        version=f"top-{k}-of-{scale.replace('_', '-')}",
        label=MappingProxyType(label),
        scale=(low, high),
        positive=positive,
    )


def computable(metric: str) -> Metric:
    """Find a metric that can be computed here.

    Raises
    ------
    AnalysisError
        For a proprietary index, naming why and the nearest computable one; for ``top_k`` without its numbers.
    """
    entry = definition(metric)
    if entry.status == "proprietary":
        raise AnalysisError(
            "{metric} is proprietary and is not imitated: {reason}; "
            "the nearest that can be computed is {nearest}",
            metric=entry.label["en"],
            reason=REASONS[entry.id],
            nearest=entry.nearest,
        )
    if entry.id == "top_k":
        raise AnalysisError("top_k needs its numbers in its name; ask e.g. for top_2_of_5 or top_2_of_0_10")
    return entry
