"""The templates of pages, and how they are filled: every text is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2

TEMPLATES = Path(__file__).parent / "templates"


def rendered(name: str, **values: Any) -> str:
    """Render a template; half a character (a lone surrogate) becomes a question mark."""
    return _environment().get_template(name).render(**values).encode("utf-8", "replace").decode("utf-8")


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(TEMPLATES)
    return jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
