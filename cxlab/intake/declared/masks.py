"""Rivals that reports call by a letter (`mask_peers` of client.yaml): as labels, so that all files agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from string import ascii_uppercase
from typing import Any, Literal

from cxlab.errors import InputError

PEER = "peer_id"
CALLED = {"es": "Competidor", "en": "Competitor"}


def rivals(masks: Literal[True] | Sequence[str], labels: Mapping[str, Any], own: Sequence[str]) -> list[str]:
    """Return the codes of the peers that are masked, in the order of their letters.

    Parameters
    ----------
    masks : True or sequence of str
        All that have a label but the client itself, or those to be masked.
    labels : mapping
        {columns: ..., values: {column: {code: {es, en}}}}.
    own : sequence of str
        What the client is called.

    Examples
    --------
    >>> peers = {"tds": {"es": "Telefónica del Sur"}, "fc": {"es": "Fibra Cordillera"}}
    >>> rivals(True, {"values": {"peer_id": peers}}, ["Fibra Cordillera S.A."])
    ['tds']
    """
    if masks is not True:
        return list(dict.fromkeys(masks))
    known = _peers(labels)
    return [code for code in sorted(known) if not _is(code, known[code], own)]


def knows_itself(labels: Mapping[str, Any], own: Sequence[str]) -> bool:
    """Tell whether one of the labelled peers is the client itself."""
    return any(_is(code, said, own) for code, said in _peers(labels).items())


def with_masks(labels: Mapping[str, Any], masked: Sequence[str]) -> dict[str, Any]:
    """Return labels in which the masked peers are called by their letters; `masked` has the letters by code.

    Examples
    --------
    >>> with_masks({"values": {}}, ["Sur"])["values"]["peer_id"]["Sur"]["en"]
    'Competitor A'
    """
    if not masked:
        return dict(labels)
    values = dict(labels.get("values", {}))
    letters = {code: _letters(k) for k, code in enumerate(masked)}
    masks = {code: {lang: f"{word} {letters[code]}" for lang, word in CALLED.items()} for code in masked}
    return {**labels, "values": {**values, PEER: {**_peers(labels), **masks}}, "masked": letters}


def names_of(labels: Mapping[str, Any], masked: Sequence[str]) -> set[str]:
    """Return what no file may say: the masked peers' names, or their codes where they have no name."""
    known = _peers(labels)
    return {
        text for code in masked for text in ([*known[code].values()] if code in known else [code]) if text
    }


def check_labelled(codes: Iterable[str], labels: Mapping[str, Any], client: str) -> None:
    """Refuse peers that have no label, of which `mask_peers: true` does not know who they are.

    Raises
    ------
    InputError
        With how many they are.
    """
    unknown = {*codes} - {*_peers(labels)}
    if unknown:
        raise InputError(
            "{client}: mask_peers is true and {n} peers have no label under values: peer_id, so that they "
            "cannot be told apart masked; label them, or list whom to mask",
            client=client,
            n=len(unknown),
        )


def _peers(labels: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    return dict((labels.get("values") or {}).get(PEER) or {})


def _is(code: str, said: Mapping[str, str], own: Sequence[str]) -> bool:
    """Tell whether a peer is the client: its code or one of its names begins what the client is called."""
    called = [name.casefold() for name in own if name]
    return any(name.startswith(text.casefold()) for text in (code, *said.values()) if text for name in called)


def _letters(place: int) -> str:
    """Return A to Z, then AA, AB and so on."""
    first, last = divmod(place, len(ascii_uppercase))
    return (_letters(first - 1) if first else "") + ascii_uppercase[last]
