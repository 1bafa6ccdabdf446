"""Text that fits in a figure, however long it is."""

import pytest

from cxlab.reporting.figures import type as type_


def test_of_a_text_of_a_thousand_letters_not_every_beginning_is_measured(monkeypatch):
    """A long name from a client's file once kept a report drawing for minutes."""
    measured, width = [], type_.width

    def counted(text, *args, **kwargs):
        measured.append(len(text))
        return width(text, *args, **kwargs)

    monkeypatch.setattr(type_, "width", counted)
    lines = type_.wrapped("zqx" * 400, 100.0)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert all(90 < width(line) <= 100 for line in lines)
    assert len(measured) < 60
    assert max(measured) < 80


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_what_does_not_fit_is_cut_where_the_room_ends(lines):
    text = "Aysén del General Carlos Ibáñez del Campo, supercalifragilísticoexpialidoso"
    found = type_.wrapped(text, 90.0, lines=lines)
    assert len(found) == lines
    assert all(type_.width(line) <= 90 for line in found)
    *whole, last = found
    assert text.replace(" ", "").startswith("".join([*whole, last.removesuffix("…")]).replace(" ", ""))
    longer = text[len(" ".join(whole)) :].lstrip()[: len(last)] + "…"
    assert type_.width(longer) > 90  # one letter more would not fit
