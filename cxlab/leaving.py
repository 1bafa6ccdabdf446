"""Names of columns that leaving itself makes: a call to retain, an offer to win back, a reason to leave."""

from __future__ import annotations

import re
import unicodedata

_MADE_BY_LEAVING = re.compile(
    r"retention|retencion|win_?back|cancel|baja_?motivo|motivo_(?:de_)?baja|save_?offer|oferta_(?:de_)?retencion|"
    r"churn_?(?:reason|category|score|date|flag|label)|recuperacion|exit_(?:reason|survey|interview)"
)


def named_after_leaving(name: str) -> bool:
    """Tell whether the name of a column says that leaving made it, accents and case aside.

    Examples
    --------
    >>> [named_after_leaving(name) for name in ("retention_call_flag", "Motivo de baja", "ease")]
    [True, True, False]
    """
    folded = unicodedata.normalize("NFKD", name.casefold())
    plain = re.sub(r"[^a-z0-9]+", "_", folded.encode("ascii", "ignore").decode())
    return bool(_MADE_BY_LEAVING.search(plain))
