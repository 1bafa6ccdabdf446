"""The benchmark study (T11): 8 brands, 350 interviews each, quotas by interaction and channel.

The client is truly third or fourth of eight, and truly 18 points behind the best in one cell only:
complaints by call centre. The first seven brands are too close for 350 interviews to rank them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from cxlab.demo.people import REGIONS, SEGMENTS

Array = np.ndarray[Any, Any]

FOCAL = "Fibra Cordillera"
# True PXI of each brand in the cells other than CRITICAL, and in CRITICAL.
BRANDS = {
    "Andes Conecta": (72.0, 60.0),
    "Pacífico Hogar": (62.0, 69.0),
    FOCAL: (73.0, 51.0),
    "Red Austral": (67.2, 58.0),
    "TeleNorte": (65.2, 57.0),
    "Enlace Sur": (64.2, 56.0),
    "Quilla Fibra": (60.6, 56.0),
    "Bravo TV": (36.0, 34.0),
}
CRITICAL = ("complaint", "call_center")
# Interviews per brand in each cell (the same for all, so that no brand gains by its mix): 350.
QUOTAS = {
    CRITICAL: 160,
    ("complaint", "app"): 14,
    ("complaint", "store"): 14,
    ("sales", "web"): 16,
    ("sales", "store"): 14,
    ("use", "app"): 18,
    ("use", "web"): 14,
    ("billing", "app"): 16,
    ("billing", "web"): 14,
    ("billing", "call_center"): 14,
    ("collections", "call_center"): 14,
    ("collections", "app"): 14,
    ("cancellation", "call_center"): 14,
    ("cancellation", "store"): 14,
}
# Each item's distance from the brand's PXI (they sum to zero), and what the answers share.
ITEMS = {"effectiveness": -3.0, "ease": -5.0, "pleasantness": 8.0}
SHARED = 0.35
SPREAD = 1.35


def draw_interviews(
    rng: np.random.Generator, brands: dict[str, tuple[float, float]], interviews: int = 350
) -> pd.DataFrame:
    """Draw the study of `brands` (name: true PXI elsewhere and in CRITICAL), so many interviews each.

    Returns peer_id, respondent_id, interaction_type, channel, region, segment, the PXI items (1-7) and
    recommend (0-10).
    """
    quotas = {cell: n * interviews // sum(QUOTAS.values()) for cell, n in QUOTAS.items()}
    quotas[CRITICAL] += interviews - sum(quotas.values())
    cells = [
        _cell(rng, brand, cell, n, levels[1] if cell == CRITICAL else levels[0])
        for brand, levels in brands.items()
        for cell, n in quotas.items()
    ]
    out = pd.concat(cells, ignore_index=True)
    out.insert(1, "respondent_id", [f"B{number:05d}" for number in range(1, len(out) + 1)])
    return out


def true_pxi(brand: str) -> float:
    """Return the brand's PXI over the quotas."""
    elsewhere, critical = BRANDS[brand]
    share = QUOTAS[CRITICAL] / sum(QUOTAS.values())
    return round(share * critical + (1 - share) * elsewhere, 2)


def published_scores(values: dict[str, float]) -> pd.DataFrame:
    """Return the sector's published ranking with these values: peer_id, metric, value, n, year, source."""
    return pd.DataFrame(
        {
            "peer_id": list(values),
            "metric": "pxi",
            "value": [round(value, 1) for value in values.values()],
            "n": [300.0 + 10 * (3 * place % 8) for place in range(len(values))],
            "wave_id": "2024",
            "source": "Ranking sectorial 2024 (ficticio)",
        }
    )


def _cell(rng: np.random.Generator, brand: str, cell: tuple[str, str], n: int, pxi: float) -> pd.DataFrame:
    shared = rng.standard_normal(n)
    answers = {
        item: np.clip(
            np.rint(centre(pxi + offset) + SPREAD * (np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * own)),
            1,
            7,
        )
        for (item, offset), own in zip(ITEMS.items(), rng.standard_normal((3, n)), strict=True)
    }
    liking = 6.6 + 0.02 * pxi + 2.1 * (0.6 * shared + 0.8 * rng.standard_normal(n))
    return pd.DataFrame(
        {
            "peer_id": brand,
            "interaction_type": cell[0],
            "channel": cell[1],
            "region": rng.choice(np.array(list(REGIONS), dtype=object), size=n, p=list(REGIONS.values())),
            "segment": rng.choice(np.array(list(SEGMENTS), dtype=object), size=n, p=list(SEGMENTS.values())),
            **answers,
            "recommend": np.clip(np.rint(liking), 0, 10),
        }
    )


def centre(net: float) -> float:
    """Return the mean at which rounded normal answers have this net of %6-7 less %1-3."""
    means = np.linspace(2.0, 9.0, 701)
    nets = 100 * (norm.sf((5.5 - means) / SPREAD) - norm.cdf((3.5 - means) / SPREAD))
    return float(np.interp(net, nets, means))
