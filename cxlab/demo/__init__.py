"""The demo clients: Fibra Cordillera S.A., with truths planted to be found, and Nada S.A., with none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxlab.demo.cordillera import fibra
    from cxlab.demo.files import build, build_client
    from cxlab.demo.noise import nada

__all__ = ["build", "build_client", "fibra", "nada"]


def __getattr__(name: str) -> Any:
    # Loaded on first use, as cxlab.open is.
    if name in __all__:
        from cxlab.demo import cordillera, files, noise

        return {
            "build": files.build,
            "build_client": files.build_client,
            "fibra": cordillera.fibra,
            "nada": noise.nada,
        }[name]
    raise AttributeError(name)
