"""What the claims on the emitted experience put into their sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cxlab.reporting.words import Words

Fields = Mapping[str, Any]


def _agreement(fields: Fields, words: Words) -> tuple[str, dict[str, Any]]:
    return str(fields.get("verdict", "")), {
        "raters": words.number(fields.get("raters"), 0),
        "amount": words.number(fields.get("estimate"), 2),
        "observed": words.percent(fields.get("observed"), 0),
        "alpha": words.number(fields.get("alpha"), 2),
        "coefficient": str(fields.get("coefficient", "")).upper(),
        "most_common": words.percent(fields.get("most_common"), 0),
    }


READERS: Mapping[str, Callable[[Fields, Words], tuple[str, dict[str, Any]]]] = {
    "emitted.agreement": _agreement,
    "emitted.agreement_none": _agreement,
    "emitted.paradox": _agreement,
}
