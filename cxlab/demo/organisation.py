"""Who makes the experience inside the firm, and what its managers believe matters (T12).

The areas are not in the survey: they are tied to it by the touchpoint of each question and by how the areas
share the responsibility for each touchpoint. The largest part of the pain sits in an area that customers
never see, and the managers look elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

AREAS = {
    "billing_finance": ("Facturación y finanzas", "Billing and finance", "back"),
    "contact_centre": ("Call center", "Call centre", "front"),
    "network": ("Redes y operaciones técnicas", "Network and technical operations", "back"),
    "digital": ("Canales digitales", "Digital channels", "front"),
    "stores": ("Tiendas", "Stores", "front"),
    "contractor": ("Contratista de atención y terreno", "Service and field contractor", "supplier"),
    "cx_office": ("Oficina de experiencia", "Experience office", "back"),
}
# Spanish and English name, interaction, channel, stage, who attends, what the customer sees of it.
TOUCHPOINTS = {
    "solution": (
        "Solución de un problema", "Solving a problem", "complaint", "call_center", "help", "people", "front",
    ),
    "bill": ("Boleta y cobro", "Bill and charge", "billing", "web", "pay", "technology", "back"),
    "procedures": ("Trámites", "Procedures", "use", "web", "use", "mixed", "front"),
    "app": ("App y sucursal virtual", "App and online branch", "use", "app", "use", "technology", "front"),
    "call": ("Llamada", "Call", "use", "call_center", "help", "people", "front"),
    "store_visit": ("Visita a la tienda", "Visit to the store", "sales", "store", "buy", "people", "front"),
}  # fmt: skip
RESPONSIBILITY: Mapping[str, Mapping[str, float]] = {
    "solution": {
        "billing_finance": 0.30, "network": 0.30, "contact_centre": 0.20, "contractor": 0.15,
        "cx_office": 0.05,
    },
    "bill": {"billing_finance": 0.75, "digital": 0.10, "contact_centre": 0.10, "cx_office": 0.05},
    "procedures": {
        "billing_finance": 0.40, "digital": 0.25, "contact_centre": 0.15, "stores": 0.10, "cx_office": 0.10,
    },
    "app": {"digital": 0.80, "billing_finance": 0.15, "cx_office": 0.05},
    "call": {"contact_centre": 0.60, "contractor": 0.35, "cx_office": 0.05},
    "store_visit": {"stores": 0.90, "cx_office": 0.10},
}  # fmt: skip
# What the managers put first to last: what they see when they visit, and the bill at the end.
MANAGERS_ORDER = (
    "attr_kindness", "attr_app", "attr_ambience", "attr_resolution", "attr_call_wait", "attr_ease",
    "attr_call_knowledge", "attr_billing",
)  # fmt: skip
MANAGERS = 11
DISAGREEMENT = 1.6  # standard deviation, in places, of what one manager thinks around that order


def areas() -> pd.DataFrame:
    """Return the canonical table of areas."""
    rows = [(code, *told) for code, told in AREAS.items()]
    return pd.DataFrame(rows, columns=["area_id", "name_es", "name_en", "kind"])


def touchpoints() -> pd.DataFrame:
    """Return the canonical table of touchpoints."""
    columns = ["name_es", "name_en", "interaction_type", "channel", "stage", "actor", "front_back"]
    rows = [(code, *told) for code, told in TOUCHPOINTS.items()]
    return pd.DataFrame(rows, columns=["touchpoint_id", *columns])


def responsibilities(shares: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Return the canonical table of who answers for which part of each touchpoint."""
    rows = [(area, touchpoint, share) for touchpoint, own in shares.items() for area, share in own.items()]
    return pd.DataFrame(rows, columns=["area_id", "touchpoint_id", "responsibility_share"])


def alike() -> dict[str, dict[str, float]]:
    """Return the same part of every touchpoint for every area."""
    return {touchpoint: dict.fromkeys(AREAS, 1 / len(AREAS)) for touchpoint in TOUCHPOINTS}


def draw_ranking(rng: np.random.Generator, order: Sequence[str], disagreement: float) -> pd.DataFrame:
    """Draw how each manager ranks the drivers, 1 the first: their common `order`, and noise in places."""
    believed = np.arange(len(order)) + disagreement * rng.standard_normal((MANAGERS, len(order)))
    places = believed.argsort(axis=1).argsort(axis=1) + 1.0
    return pd.DataFrame(
        {
            "rater_id": np.repeat([f"G{number:02d}" for number in range(1, MANAGERS + 1)], len(order)),
            "item_id": list(order) * MANAGERS,
            "rank": places.reshape(-1),
        }
    )
