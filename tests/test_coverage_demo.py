"""What the paper on intake finds in the demo clients' files: what was planted, and nothing in Nada S.A."""

from dataclasses import replace

import pandas as pd
import pytest

import cxlab
from cxlab import demo
from cxlab.analysis import coverage, drivers
from cxlab.analysis.estimates import masked
from cxlab.errors import InputError
from cxlab.intake import dataset
from cxlab.intake.rules import registry as validity
from cxlab.reporting.claims import sentence
from cxlab.reporting.words import Words

LEVELS = ["segment", "region", "channel", "region x channel"]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("mesa")
    (root / "notebooks").mkdir()
    demo.build(root, ("nada", "fibra_cordillera"))
    for client in ("nada", "fibra_cordillera"):
        dataset.check(root, client)
    return root


@pytest.fixture
def paper(root, monkeypatch, request):
    """The paper of a client, and what it displays."""
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw=False: shown.append(data))
    monkeypatch.chdir(root)
    paper = cxlab.open(request.param, language="es")
    paper.displayed = shown
    return paper


both = pytest.mark.parametrize("paper", ["fibra_cordillera", "nada"], indirect=True)
fibra = pytest.mark.parametrize("paper", ["fibra_cordillera"], indirect=True)
nada = pytest.mark.parametrize("paper", ["nada"], indirect=True)


def missing(paper):
    return coverage.missing(
        paper.table("survey_responses"),
        reasons=paper.missing_reasons("survey_responses"),
        codebook=paper.table("items"),
    )


def said(result):
    return [sentence(c, Words("es")).replace("\N{NO-BREAK SPACE}", " ") for c in result.claims]


@both
def test_previews_and_test_accounts_are_out_and_named(paper):
    found = coverage.flow(paper.ledger())
    reasons = found.tables["reasons"].set_index("reason")["excluded"].to_dict()
    assert reasons == {
        "test accounts of the operator": 15, "previews of the questionnaire": 12, "header rows": 2
    }  # fmt: skip
    assert paper.words.reason("previews of the questionnaire") == "vistas previas del cuestionario"


@both
def test_the_call_centre_questions_were_not_asked_to_six_in_ten(paper):
    found = missing(paper)
    table = found.table.set_index("item")
    assert table.loc[["attr_call_wait", "attr_call_knowledge"], "not_asked"].between(0.5, 0.65).all()
    assert found.tables["together"]["questions"].map(set).tolist() == [
        {"attr_call_wait", "attr_call_knowledge"}
    ]
    assert not table["over_limit"].any()
    assert (table["unexplained"] < 0.02).all()
    assert any("faltan juntas en" in text and "se sabe por qué" in text for text in said(found))


@fibra
def test_app_users_are_too_many_in_the_sample_of_fibra_cordillera(paper):
    everyone, targets = paper.table("survey_responses"), paper.table("population_targets")
    found = coverage.representation(everyone, targets=targets)
    gaps = [c for c in found.claims if c.code == "intake.gap"]
    assert [(c.fields["column"], c.fields["segment"]) for c in gaps] == [("channel", "app")]
    assert gaps[0].fields["before"] == pytest.approx(0.72, abs=0.01)
    assert gaps[0].fields["target"] == pytest.approx(0.457, abs=0.001)


@nada
def test_nothing_is_found_in_the_sample_of_nada(paper):
    found = coverage.representation(
        paper.table("survey_responses"), targets=paper.table("population_targets")
    )
    assert [c.code for c in found.claims] == ["intake.alike", "intake.weight_cost"]
    assert said(found)[0].startswith(
        "Ninguna de las 12 proporciones que se conocen de la población se distingue"
    )


@both
def test_levels_that_may_be_published(paper):
    found = coverage.bases(paper.table("survey_responses"), LEVELS, wave="wave_id")
    verdicts = found.tables["levels"].set_index("variable")["verdict"]
    assert list(verdicts[LEVELS]) == ["publish", "publish", "publish", "with care"]
    assert verdicts["region x channel x wave_id"] == "hold"
    shown = masked(found)
    assert not (shown.tables["by_wave"]["n"] < 10).any()


@both
def test_measurement_is_told_for_every_type_and_channel(paper):
    surveys, log = paper.table("survey_responses"), paper.table("interactions")
    found = coverage.measured(log, surveys)
    assert found.settings["link"] == "last_contact"
    assert len(found.table) == 24
    assert found.n_used + sum(found.n_dropped.values()) == len(surveys)


@both
def test_the_rules_stand_as_the_check_left_them(paper):
    found = coverage.rules(paper.rules())
    assert sorted(found.table["rule"].astype(int)) == list(range(1, 27))
    counts = found.claims[0].fields
    assert counts["ok"] + counts["warnings"] + counts["unchecked"] == counts["rules"] == 26
    by_rule = found.table.set_index("rule")
    assert by_rule.loc["9", ["standing", "warnings"]].tolist() == ["warnings", 1]
    assert paper.words.label("rule", 9) == f"9. {validity.rules()[9].es}"
    assert all(by_rule.loc[by_rule["standing"] == "unchecked", "why"] != "")


@fibra
def test_what_the_rules_warn_of_is_told_once_in_the_words_of_the_client(paper):
    paper.table("survey_responses")
    told = paper.displayed[-1]["text/html"].replace("\N{NO-BREAK SPACE}", " ")
    assert "12 filas fuera (vistas previas del cuestionario)" in told
    assert "previews" not in told
    assert told.count("Preguntas con mucho sin respuesta") == 2
    assert (
        "(Conocimiento de quien atiende la llamada): en raw/encuesta_2024T2.csv, sin respuesta del 62 %"
        in told
    )
    assert "también en raw/encuesta_2024T4.sav y raw/encuesta_2023T4.csv." in told


@nada
def test_what_is_told_of_the_tables_is_logged_as_a_read(paper):
    ledger, reasons = paper.ledger(), paper.missing_reasons("survey_responses")
    reads = [data[cxlab.notebook.READ] for data in paper.displayed]
    assert [read["table"] for read in reads] == ["ledger", "survey_responses_na_reasons"]
    assert [read["rows"] for read in reads] == [len(ledger), len(reasons)]
    assert all(len(read["sha256"]) == 64 for read in reads)
    assert "filas leídas, usadas y excluidas" in paper.displayed[0]["text/html"]
    with pytest.raises(InputError, match="no table"):
        paper.missing_reasons("complaints")


@nada
def test_a_result_without_rows_says_what_it_claims_and_draws_nothing(paper):
    paper.show(coverage.measured(pd.DataFrame(), pd.DataFrame({"ease": [1.0]})), draw=_refuse)
    assert "sin un registro de interacciones" in paper.displayed[-1]["text/html"].lower()
    assert "image/svg+xml" not in paper.displayed[-1]


@nada
def test_a_result_without_rows_says_what_was_left_out_and_why(paper):
    one = pd.DataFrame({"y": range(1, 8), "a": [1, 4, 4, 4, 4, 4, 7], "b": [4, 1, 4, 4, 4, 4, 7]})
    few = pd.concat([one, one], ignore_index=True).astype(float)
    nothing = drivers.penalty_reward(few, "y", ["a", "b"], cuts=(3, 6), resamples=0)
    paper.show(nothing, draw=_refuse, tables=("main", "left_out"))
    assert "menos de 30 notas bajas o altas" in paper.displayed[-1]["text/html"]
    assert "Nada que mostrar" not in paper.displayed[-1]["text/html"]
    paper.show(replace(nothing, tables={"left_out": nothing.tables["left_out"].head(0)}), draw=_refuse)
    assert "Nada que mostrar" in paper.displayed[-1]["text/html"]


def _refuse(*_args, **_kwargs):
    raise AssertionError("there is nothing to draw")
