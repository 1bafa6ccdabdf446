"""The codebook of the demo survey: each question, its role and its scale."""

from __future__ import annotations

import pandas as pd

_RATED = "Con nota de 1 a 7, ¿cómo evalúa {}?"
_RATED_EN = "From 1 to 7, how do you rate {}?"
_CALLERS = "quienes llamaron al call center"

# item_id, text_es, text_en, role, scale_min, scale_max, direction, asked_if
_QUESTIONS = [
    ("effectiveness", "En su última interacción, ¿resolvió lo que necesitaba? (1 a 7)",
     "In your last interaction, did you get done what you needed? (1 to 7)", "outcome", 1, 7, "up", None),
    ("ease", "¿Qué tan fácil le resultó? (1 a 7)", "How easy was it? (1 to 7)", "outcome", 1, 7, "up", None),
    ("pleasantness", "¿Qué tan agradable fue? (1 a 7)",
     "How pleasant was it? (1 to 7)", "outcome", 1, 7, "up", None),
    ("recommend", "¿Qué tan probable es que nos recomiende? (0 a 10)",
     "How likely are you to recommend us? (0 to 10)", "outcome", 0, 10, "up", None),
    ("overall_sat", "En general, ¿cuán satisfecho está con el servicio? (1 a 7)",
     "Overall, how satisfied are you with the service? (1 to 7)", "outcome", 1, 7, "up", None),
    ("ces", "La compañía me hizo fácil resolver mi asunto (1 a 7)",
     "The company made it easy for me to handle my issue (1 to 7)", "outcome", 1, 7, "up", None),
    ("attr_resolution", _RATED.format("que se resuelva al primer contacto"),
     _RATED_EN.format("being solved at first contact"), "driver", 1, 7, "up", None),
    ("attr_billing", _RATED.format("la claridad de la boleta"),
     _RATED_EN.format("the clarity of the bill"), "driver", 1, 7, "up", None),
    ("attr_ease", _RATED.format("la facilidad de los trámites"),
     _RATED_EN.format("the ease of procedures"), "driver", 1, 7, "up", None),
    ("attr_app", _RATED.format("la aplicación y la sucursal virtual"),
     _RATED_EN.format("the app and the online branch"), "driver", 1, 7, "up", None),
    ("attr_kindness", _RATED.format("la amabilidad de quienes atienden"),
     _RATED_EN.format("the kindness of those who attend"), "driver", 1, 7, "up", None),
    ("attr_ambience", _RATED.format("el ambiente de las tiendas"),
     _RATED_EN.format("the ambience of the stores"), "driver", 1, 7, "up", None),
    ("attr_call_wait", _RATED.format("el tiempo de espera en el teléfono"),
     _RATED_EN.format("the waiting time on the phone"), "driver", 1, 7, "up", _CALLERS),
    ("attr_call_knowledge", _RATED.format("lo que sabía quien atendió su llamada"),
     _RATED_EN.format("the knowledge of who took your call"), "driver", 1, 7, "up", _CALLERS),
]  # fmt: skip
_COLUMNS = ["item_id", "text_es", "text_en", "role", "scale_min", "scale_max", "direction", "asked_if"]

# Of each driver: level, dimension, stage, touchpoint and area in charge.
_TAGS = {
    "attr_resolution": ("rational", "interaction", "help", "solution", "contact_centre"),
    "attr_billing": ("rational", "product", "pay", "bill", "billing_finance"),
    "attr_ease": ("rational", "interaction", "use", "procedures", "digital"),
    "attr_app": ("physical", "product", "use", "app", "digital"),
    "attr_kindness": ("emotional", "interaction", "buy", "store_visit", "stores"),
    "attr_ambience": ("physical", "brand", "buy", "store_visit", "stores"),
    "attr_call_wait": ("physical", "interaction", "help", "call", "contact_centre"),
    "attr_call_knowledge": ("rational", "interaction", "help", "call", "contact_centre"),
}
_TAGGED = ["level", "dimension", "stage", "touchpoint_id", "area_id"]


def _codebook() -> pd.DataFrame:
    questions = pd.DataFrame(_QUESTIONS, columns=_COLUMNS)
    scales = {end: questions[end].astype(float) for end in ("scale_min", "scale_max")}
    tags = [_TAGS.get(item, (None,) * len(_TAGGED)) for item in questions["item_id"]]
    return pd.concat([questions.assign(**scales), pd.DataFrame(tags, columns=_TAGGED)], axis=1)


CODEBOOK = _codebook()
