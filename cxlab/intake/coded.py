"""A column of text as its distinct texts and, for each row, which of them it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute

Codes = npt.NDArray[np.signedinteger[Any]]
Mask = npt.NDArray[np.bool_]
# Frames of fewer cells are copied into one piece, which makes adding columns to them cheaper.
COPIED = 20_000_000
# Text inside intake: held by arrow, missing as NaN, comparing as object columns do.
TEXT = pd.StringDtype("pyarrow", na_value=np.nan)


def _narrowest(places: int) -> type[np.signedinteger[Any]]:
    return np.int8 if places < 2**7 else np.int16 if places < 2**15 else np.int32


def _narrow(codes: npt.NDArray[Any], places: int) -> Codes:
    return codes.astype(_narrowest(places))


def members(texts: pd.Series[Any], among: pd.Series[Any]) -> Mask:
    """Return which texts are among others; a missing one is not.

    Examples
    --------
    >>> members(pd.Series(["a", None, "b"]), pd.Series(["b", None])).tolist()
    [False, False, True]
    """
    wanted = compute.unique(_arrow(among)).drop_null()
    found: Mask = compute.is_in(_arrow(texts), value_set=wanted).to_numpy(zero_copy_only=False)
    return found


def _arrow(texts: pd.Series[Any]) -> Any:
    found = pa.array(texts, from_pandas=True)
    return (found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found).cast(pa.large_string())


def side_by_side(columns: Mapping[str, pd.Series[Any]]) -> pd.DataFrame:
    """Return columns of one index as a frame; a large one shares them rather than hold them twice."""
    cells = sum(len(column) for column in columns.values())
    return pd.DataFrame(dict(columns), copy=cells < COPIED)


def as_text(texts: Any) -> pd.Series[Any]:
    """Return an arrow array of text as a column that holds it as arrow does.

    Examples
    --------
    >>> as_text(pa.array(["a", None])).isna().tolist()
    [False, True]
    """
    return pd.Series(TEXT.__from_arrow__(texts.cast(pa.large_string())))  # type: ignore[attr-defined]


@dataclass(frozen=True, eq=False)
class Coded:
    """One column as read.

    Attributes
    ----------
    codes : ndarray of int
        For each row, the place of its text in `texts`; as narrow as they allow.
    texts : arrow array of large_string
        Distinct texts in the order in which they first appear, each of them in some row.
    """

    codes: Codes
    texts: Any

    @classmethod
    def of(cls, cells: Iterable[str]) -> Coded:
        """Return the cells of a column, an empty text where there is none, as a coded column.

        Examples
        --------
        >>> column = Coded.of(["b", "a", "b"])
        >>> column.codes.tolist(), column.distinct
        ([0, 1, 0], ['b', 'a'])
        """
        if isinstance(cells, pa.Array | pa.ChunkedArray):
            return cls.joined([cells.cast(pa.large_string())])
        given = cells if isinstance(cells, pd.Series | np.ndarray) else np.array(list(cells), dtype=object)
        codes, distinct = pd.factorize(np.asarray(given, dtype=object))
        return cls(
            _narrow(codes, len(distinct)), pa.array([str(text) for text in distinct], pa.large_string())
        )

    @classmethod
    def one(cls, text: str, rows: int) -> Coded:
        """Return a column that has one text in every row."""
        return cls(np.zeros(rows, dtype=np.int8), pa.array([text][:rows], pa.large_string()))

    @classmethod
    def joined(cls, parts: Sequence[Any]) -> Coded:
        """Return one column from the arrow arrays of its parts, in their order."""
        if not parts:
            return cls(np.empty(0, dtype=np.int32), pa.array([], pa.large_string()))
        chunks = [
            chunk
            for part in parts
            for chunk in (part.chunks if isinstance(part, pa.ChunkedArray) else [part])
        ]
        coded = [each if pa.types.is_dictionary(each.type) else each.dictionary_encode() for each in chunks]
        whole = pa.chunked_array(coded).unify_dictionaries()
        texts = whole.chunk(0).dictionary if whole.num_chunks else pa.array([], pa.string())
        codes = np.empty(len(whole), dtype=_narrowest(len(texts)))
        at = 0
        for chunk in whole.chunks:
            codes[at : at + len(chunk)] = chunk.indices.to_numpy(zero_copy_only=False)
            at += len(chunk)
        return cls(codes, texts.cast(pa.large_string()))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.codes)

    @property
    def distinct(self) -> list[str]:
        """The distinct texts."""
        found: list[str] = self.texts.to_pylist()
        return found

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many rows have each distinct text."""
        return np.bincount(self.codes, minlength=len(self.texts))

    @property
    def cells(self) -> npt.NDArray[Any]:
        """The text of every row."""
        return np.array(self.distinct, dtype=object)[self.codes] if len(self) else np.empty(0, dtype=object)

    @property
    def blank(self) -> bool:
        """Whether no row has any text."""
        return all(text == "" for text in self.texts[:2].to_pylist()) and len(self.texts) <= 1

    def text(self, row: int) -> str:
        """Return the text of one row."""
        found: str = self.texts[int(self.codes[row])].as_py()
        return found

    def among(self, texts: Iterable[str]) -> Mask:
        """Return which rows have one of the given texts."""
        wanted = set(texts)
        places = [at for at, text in enumerate(self.distinct) if text in wanted] if wanted else []
        hit = np.zeros(len(self.texts), dtype=bool)
        hit[places] = True
        return hit[self.codes]

    def kept(self, rows: Mask) -> Coded:
        """Return the rows of a mask, without the texts that only the others have."""
        return self if bool(rows.all()) else self.at(rows)

    def at(self, rows: Mask | npt.NDArray[np.intp]) -> Coded:
        """Return some rows, each as often as it is named, without the texts that only the others have."""
        codes, places = pd.factorize(self.codes[rows])
        return Coded(_narrow(codes, len(places)), self.texts.take(pa.array(places)))
