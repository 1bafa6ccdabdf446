"""A kernel's English, told again as a message: the text does not change, and what is not ours stays."""

import pytest

from cxlab.errors import AnalysisError, Message, ParameterError
from cxlab.reporting.words import translate
from cxlab.runs.retold import retold


@pytest.mark.parametrize(
    "error",
    [
        ParameterError("language is {language!r}; allowed: es, en", language="it's"),
        ParameterError(
            "there is no column {name!r}; {close}columns: {known}",
            name="regio",
            close=Message("did you mean {close}? ", close="region"),
            known="region, plan",
        ),
        AnalysisError(
            "there is no metric {metric!r}; the nearest is {nearest}; there are {known}",
            metric="npss",
            nearest="nps, insc",
            known="nps, pxi",
        ),
        AnalysisError("no column is named {patterns}; the table has {present}", patterns="a_*", present="b"),
    ],
)
def test_our_own_errors_are_known_again(error):
    text = str(error)
    said = retold(text)
    assert str(said) == text
    spanish = translate(said, "es")
    assert spanish != text
    assert "did you mean" not in spanish
    assert translate(retold(f"{text}\n  - more"), "es") == f"{spanish}\n  - more"
    in_a_cell = f"code cell 5 (`x = 1`) raised {type(error).__name__}: {text}"  # as error.json keeps it
    assert translate(retold(in_a_cell), "es").endswith(f"terminó con {type(error).__name__}: {spanish}")


@pytest.mark.parametrize("text", ["", "division by zero", "{x}", "found: {0} %s", "a\nb", "; " * 500])
def test_what_no_template_fits_stays_as_it_is(text):
    assert retold(text) == text
    assert translate(retold(text), "es") == text
