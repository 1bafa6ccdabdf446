"""The canonical tables as `canonical.yaml` lists them: their columns, kinds, keys and texts in es and en."""

from __future__ import annotations

from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from cxlab.intake.declared.declaration import packaged

Kind = Literal["id", "code", "category", "text", "date", "number", "integer", "flag", "rating"]

# A mapped column under no canonical name is the client's own: these names are the ones promised to be kept.
OWN_PREFIX = "attr_"


class Column(BaseModel):
    """One canonical column: its kind, its limits, and what it is in each language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    required: bool = False
    min: float | None = None
    max: float | None = None
    above: float | None = None
    enum: tuple[str, ...] = ()
    later: bool = False
    es: str
    en: str


class Table(BaseModel):
    """One canonical table: whose rows they are, what tells them apart, and its columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    es: str
    en: str
    key: tuple[str, ...]
    key_needs: str = ""
    one_of: tuple[tuple[str, ...], ...] = ()
    scores: bool = False
    counts: tuple[str, ...] = ()
    people: Literal["customers", "employees"] | None = None
    person: str = ""
    optional: bool = False
    prose: bool = False
    columns: dict[str, Column] = Field(min_length=1)

    @property
    def ratings(self) -> tuple[str, ...]:
        """Names of the canonical score columns."""
        return tuple(name for name, column in self.columns.items() if column.kind == "rating")

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the columns that are always pseudonymised."""
        return tuple(name for name, column in self.columns.items() if column.kind == "id")


def of_people() -> tuple[str, ...]:
    """Return the names of the tables whose rows are persons or what they did: a filter applies to these.

    Examples
    --------
    >>> "complaints" in of_people(), "items" in of_people()
    (True, False)
    """
    return tuple(name for name, table in tables().items() if table.people)


@cache
def tables() -> dict[str, Table]:
    """Return every canonical table by name.

    Examples
    --------
    >>> tables()["customers"].key
    ('customer_id',)
    """
    content = packaged("declared/canonical.yaml")
    return {name: Table.model_validate(given) for name, given in content.items()}
