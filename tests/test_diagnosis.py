"""The executive diagnosis: published claims ranked, set beside each other, and made no stronger."""

import ast
import re
from pathlib import Path

import pandas as pd
import pytest

import cxlab
from cxlab.analysis.diagnosis import diagnose
from cxlab.analysis.diagnosis.links import LINKS, STAGES, Stated, place, role
from cxlab.analysis.diagnosis.worth import WEIGHTS, score, value
from cxlab.analysis.estimates import Claim, masked
from cxlab.errors import AnalysisError
from cxlab.intake.declared.canonical import tables
from cxlab.reporting import bundle as bundles
from cxlab.reporting import claims, figures, html, sheet
from cxlab.reporting.words import Words

PACKAGE = Path(cxlab.__file__).parent


def interval(estimate, low, high, unit, **more):
    return {"estimate": estimate, "conf_low": low, "conf_high": high, "unit": unit, "level": 0.95, **more}


# As the reports of a client state them: entry, code, grade, fields.
FINDINGS = [
    ("money", "economics.improvement", "B", interval(
        1.42, 1.12, 1.72, "money", roi=0.857, changed_column="pxi", shift=10.0, currency="kCLP", cost=1200.0,
        horizon=24, share=0.54, probability=1.0, n=5226, hypothesis="improvement", variant="pays",
    )),
    ("retention", "hazards.effect", "B", interval(
        0.80, 0.76, 0.84, "ratio", covariate="pxi", per="SD", n=5226, hypothesis="hazard pxi")),
    ("retention", "hazards.effect", "B", interval(
        1.35, 1.28, 1.42, "ratio", covariate="attr_price", per="SD", n=5226, hypothesis="hazard price")),
    ("drivers", "drivers.top", "C", interval(
        0.34, 0.32, 0.36, "share", driver="attr_resolution", outcome="overall_sat", coefficient=0.46, n=5321,
        hypothesis="driver attr_resolution", r_squared=0.74)),
    ("drivers", "drivers.top", "C", interval(
        0.20, 0.18, 0.21, "share", driver="attr_billing", outcome="overall_sat", coefficient=0.3, n=5321,
        hypothesis="driver attr_billing", r_squared=0.74)),
    ("journey", "journey.carrier", "C", interval(
        -1.12, -1.16, -1.07, "scale", term="repeated", step="channel", score="journey_score", n=2783,
        hypothesis="journeys: repeated")),
    ("emitted", "emitted.link", "D", interval(
        0.52, 0.25, 0.71, "ratio", standard="first_fix", metric="pxi", compliance=0.63, place="mend", n=40,
        units=40, corrected=0.74, hypothesis="first_fix and pxi")),
]  # fmt: skip
LEVELS = [
    ("emitted", "emitted.score", "D", interval(88.5, 86.5, 90.2, "percent", n=2025, units=40, visits=240)),
    ("scorecard", "score.level", "D", interval(47.2, 45.5, 48.8, "points", metric="pxi", n=5300)),
]
NOTHING = [
    ("retention", "hazards.none", "B", {"n": 1753, "covariates": 3, "events": 553}),
    ("money", "economics.improvement_none", "B", {"low": -0.3, "high": 1.3, "changed_column": "pxi",
                                                  "shift": 10.0, "horizon": 24, "n": 1753, "currency": "k"}),
    ("emitted", "emitted.link_none", "D", {"metric": "pxi", "units": 40, "standards": 9, "detectable": 0.53}),
    ("drivers", "drivers.none", "C", {"outcome": "overall_sat", "drivers": 8, "r_squared": 0.0, "n": 1792}),
    ("emitted", "emitted.score", "D", interval(88.7, 87.1, 90.2, "percent", n=2027, units=40, visits=240)),
]  # fmt: skip


COLUMNS = ["entry", "result", "code", "fields", "grade", "caveats"]


def published(*groups):
    rows = [row for group in groups for row in group]
    return pd.DataFrame(columns=COLUMNS, data=[
        (entry, f"result-{k}", code, fields, grade, [])
        for k, (entry, code, grade, fields) in enumerate(rows, start=1)
    ])  # fmt: skip


def codes(found):
    return [claim.code for claim in found.claims]


def test_findings_are_ranked_by_size_times_grade_one_of_each_kind():
    found = diagnose(published(FINDINGS, LEVELS))
    assert [(row["report"], row["finding"].code) for row in found.tables["findings"].to_dict("records")] == [
        ("money", "economics.improvement"),  # returns 47 % of its cost at the low end: 0.47 x 0.75
        ("retention", "hazards.effect"),  # price, on behaviour alone: (1 - 1 / 1.28) x 0.75
        ("drivers", "drivers.top"),  # resolution, 0.32 x 0.5; the bill is of its kind and weighs less
        ("retention", "hazards.effect"),  # the PXI, from what is perceived to behaviour: 0.16 x 0.75
        ("journey", "journey.carrier"),  # 1.07 of six steps x 0.5
        ("emitted", "emitted.link"),  # 0.25 x 0.25
    ]
    expected = [0.3485, 0.1641, 0.16, 0.12, 0.0892, 0.0625]
    assert found.tables["findings"]["worth"].round(4).tolist() == expected
    assert found.tables["findings"]["worth"].is_monotonic_decreasing
    assert codes(diagnose(published(FINDINGS), max_findings=2)) == ["economics.improvement", "hazards.effect"]


def test_a_claim_keeps_its_grade_and_says_where_it_is_published():
    given = published(FINDINGS, LEVELS)
    before = given.copy(deep=True)
    found = diagnose(given)
    pd.testing.assert_frame_equal(given, before)
    graded = {row["code"]: row["grade"] for row in given.to_dict("records")}
    for claim in found.claims:
        if not claim.code.startswith("diagnosis."):
            assert claim.grade == graded[claim.code]
            assert claim.fields["source"]["entry"] in set(given["entry"])
    # Of two sides the weaker: here both are descriptions.
    (average,) = [claim for claim in found.claims if claim.code == "diagnosis.average"]
    assert average.grade == "D"
    assert [side["entry"] for side in average.fields["sources"]] == ["emitted", "emitted"]


def test_a_weaker_grade_ranks_lower_with_the_same_numbers():
    of = {
        grade: Stated("a", "r", Claim("score.segment", {**interval(9, 8, 10, "points")}, grade))
        for grade in "ABCD"
    }
    assert [score(each) for each in of.values()] == sorted(
        (score(each) for each in of.values()), reverse=True
    )
    assert {grade: score(each) / value(each) for grade, each in of.items()} == WEIGHTS


def test_what_holds_nothing_within_its_interval_has_no_size():
    assert value(Stated("a", "r", Claim("score.segment", interval(3, -1, 7, "points"), "D"))) == 0
    assert value(Stated("a", "r", Claim("hazards.effect", interval(1.1, 0.9, 1.3, "ratio"), "B"))) == 0
    assert value(Stated("a", "r", Claim("own.claim", {"hypothesis": "x"}, "D"))) == 0
    both = [
        value(Stated("a", "r", Claim("hazards.effect", interval(r, r, r, "ratio"), "B"))) for r in (2.0, 0.5)
    ]
    assert both == [0.5, 0.5]


def test_the_chain_has_the_strongest_claim_of_each_link_and_honest_gaps():
    found = diagnose(published(FINDINGS, LEVELS))
    chain = found.table.set_index("chain_link")
    assert chain["standing"].to_dict() == {
        "designed_emitted": "level", "emitted_perceived": "found", "perceived_behaviour": "found",
        "behaviour_money": "found",
    }  # fmt: skip
    assert chain["finding"].map(lambda claim: claim.code).tolist() == [
        "emitted.score", "journey.carrier", "hazards.effect", "economics.improvement",
    ]  # fmt: skip
    alone = diagnose(published(LEVELS[1:]))
    assert set(alone.table["standing"]) == {"absent"}
    (absent,) = [c for c in alone.tables["unmeasured"]["finding"] if c.code == "diagnosis.absent"]
    assert absent.fields["places"] == list(LINKS)
    assert "designed → emitted, emitted → perceived" in claims.sentence(absent, Words("en"))


def test_where_there_is_nothing_nothing_is_stated():
    found = diagnose(published(NOTHING))
    assert codes(found) == ["diagnosis.nothing"]
    assert found.tables["findings"].empty
    assert found.tables["contradictions"].empty
    assert found.tables["decisions"].empty
    assert found.table["standing"].tolist() == ["level", "nothing", "nothing", "nothing"]
    assert found.settings["not_told_apart"] == 4


SIDES = {
    "average": [LEVELS[0], FINDINGS[6]],
    "design": [("emitted", "emitted.aligned", "D", {
        "estimate": 0.25, "even": 0.375, "top": 3, "standards": 9, "outcome": "overall_sat"})],
    "switch": [
        ("journey", "journey.switch", "D", interval(-0.63, -0.71, -0.54, "scale", hypothesis="s", n=886)),
        ("journey", "journey.switch_clean", "C", {
            "step": "channel", "score": "journey_score", "crude": -0.63, "estimate": -0.1,
            "through": "repeated", "through_estimate": -0.53, "hypothesis": "s"}),
    ],
    "deeds": [("money", "economics.referrals", "D", interval(
        0.22, 0.21, 0.24, "share", passives=0.07, n=3031))],
    "apart": [
        ("waves", "waves.moved", "D", interval(9, 4, 14, "points", metric="nps", hypothesis="a")),
        ("effort", "waves.moved", "D", interval(-6, -9, -3, "points", metric="pxi", hypothesis="b")),
    ],
    "same_service": [
        ("emitted", "benchmark.indistinguishable", "D", {"metric": "compliance", "focal": "F", "peers": 3}),
        ("peers", "benchmark.behind_best", "D", interval(
            -19, -30, -7, "points", metric="pxi", focal="F", peer="P", cell="complaint x call_center",
            column="interaction_type x channel", hypothesis="c")),
    ],
    "managers": [("drivers", "drivers.mirror_gap", "D", {
        "driver": "attr_kindness", "managers": 11, "place": 1, "drivers": 8, "rank_low": 6, "rank_high": 8,
        "verdict": "above", "n": 5330})],
    "record": [("record", "waves.unmoved", "D", {
        "metric": "nps", "wave": "2024T3", "waves": 8, "side": "highest"})],
    "signs": [
        ("drivers", "drivers.lift", "C", interval(0.1, 0.05, 0.15, "scale", driver="ease", hypothesis="a")),
        ("other", "drivers.lift", "C", interval(-0.1, -0.2, -0.05, "scale", driver="ease", hypothesis="b")),
    ],
    "reversed": [("drivers", "drivers.simpson", "C", {
        "driver": "attr_ease", "outcome": "overall_sat", "kind": "reversed", "hypothesis": "a"})],
    "ways": [("drivers", "drivers.fragile", "D", {
        "driver": "attr_resolution", "other": "attr_call_knowledge", "outcome": "overall_sat", "n_way": 2049,
        "way": "listwise", "n": 5365})],
}  # fmt: skip
# The same sides, one of them turned so that they agree.
AGREEING = {
    "average": {"place": "keep"}, "design": {"even": 0.2}, "deeds": {"passives": 0.3},
    "apart": {"estimate": 6.0}, "same_service": {"metric": "compliance"}, "record": {"side": "lowest"},
    "signs": {"estimate": 0.2}, "reversed": {"kind": "shrunk"},
}  # fmt: skip


@pytest.mark.parametrize("kind", SIDES)
def test_what_does_not_go_together_is_told_once_both_sides_stand(kind):
    sides = SIDES[kind]
    found = [claim for claim in diagnose(published(sides)).claims if claim.code == f"diagnosis.{kind}"]
    assert len(found) == 1
    assert found[0].grade == max(grade for _, _, grade, _ in sides)
    for language in ("es", "en"):
        said = claims.sentence(found[0], Words(language))
        assert not re.search(r"\{|None|\bnan\b|diagnosis\.", said), said
    for k in range(len(sides)):
        alone = [*sides[:k], *sides[k + 1 :]] or LEVELS
        assert f"diagnosis.{kind}" not in codes(diagnose(published(alone)))
    if kind in AGREEING:
        entry, code, grade, fields = sides[-1]
        agreeing = [*sides[:-1], (entry, code, grade, {**fields, **AGREEING[kind]})]
        assert f"diagnosis.{kind}" not in codes(diagnose(published(agreeing)))


def test_decisions_follow_the_first_findings_each_with_what_would_change_it():
    rows = diagnose(published(FINDINGS, LEVELS)).tables["decisions"]
    assert rows["rank"].tolist() == [1, 2, 3, 4, 5]
    about = [claim.fields["about"] for claim in rows["decision"]]
    assert about == [
        "economics.improvement", "hazards.effect", "drivers.top", "hazards.effect", "diagnosis.average",
    ]  # fmt: skip
    for language in ("es", "en"):
        words = Words(language)
        for name in ("decision", "would_change"):
            said = [claims.sentence(claim, words) for claim in rows[name]]
            assert not [text for text in said if re.search(r"\{|None|\bnan\b|diagnosis\.", text)]
    assert "54%" in claims.sentence(rows["would_change"][0], Words("en"))


def test_what_was_not_measured_is_told():
    given = published(LEVELS, [("journey", "journey.undesigned", "D", {})])
    rows = diagnose(given, read=["survey_responses", "customers"]).tables["unmeasured"]
    said = {claim.code: claim for claim in rows["finding"]}
    assert set(said) == {
        "diagnosis.absent", "diagnosis.unheard", "diagnosis.no_experiment", "journey.undesigned",
    }  # fmt: skip
    assert said["diagnosis.unheard"].fields["kinds"] == ["public_voice", "field", "employees", "pilots"]
    tried = [*LEVELS, ("pilot", "own.effect", "A", interval(5, 2, 8, "points", hypothesis="x"))]
    assert "diagnosis.no_experiment" not in [
        c.code for c in diagnose(published(tried)).tables["unmeasured"]["finding"]
    ]


def test_the_tables_that_tell_who_was_heard_are_tables_of_the_data_model():
    from cxlab.analysis.diagnosis.diagnosed import KINDS

    assert not {name for names in KINDS.values() for name in names} - set(tables())


def test_every_claim_of_an_analysis_has_its_place_in_the_chain():
    """A new family of claims would otherwise be told in no diagnosis."""
    pattern = re.compile(
        r"(score|drivers|retention|hazards|incidence|benchmark|risk|economics|emitted|journey|waves)\.[a-z_]+"
    )
    named = {
        node.value
        for path in (PACKAGE / "analysis").rglob("*.py")
        if path.parent.name != "diagnosis"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and pattern.fullmatch(node.value)
    }
    assert len(named) > 100
    assert not {code for code in named if place(code, {}) not in (*LINKS, *STAGES)}
    # Whoever says that nothing was told apart is never counted among the findings.
    quiet = {
        code for code in named if re.search(r"none|alike|open|noise|unmoved|nothing|_few$|\.even$", code)
    }
    assert not {code for code in quiet if role(code, {"hypothesis": "x"}) == "finding"}


def test_bad_input_is_refused_in_words():
    with pytest.raises(AnalysisError, match="no report states anything: run the study first"):
        diagnose(published())
    with pytest.raises(AnalysisError, match="the table has no column code"):
        diagnose(published(LEVELS).drop(columns="code"))
    with pytest.raises(AnalysisError, match="max_findings is 0; allowed: a whole number, 1 or more"):
        diagnose(published(LEVELS), max_findings=0)


def page_of(language="es", rows=(FINDINGS, LEVELS)):
    words = Words(language, {"columns": {"attr_resolution": "<script>x</script>Resolución"}})
    shown = masked(diagnose(published(*rows)))
    axes = figures.draw_chain(shown, words=words)
    figure = {"title": figures.title(axes), "alt": figures.alt(shown, words, figures.draw_chain)}
    made = bundles.bundle(shown, words, id="result-1", figure=figure)
    return made, html.result_html(made, words, svg=figures.svg(axes))


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_page_holds_the_answer_with_its_sources_and_nothing_runs(language):
    made, page = page_of(language)
    assert page.count("<section") == 2  # the page, and the tables that stand under it
    assert sheet.lifted(page)[0].count('<table class="cx-table"') == 6
    assert "<script" not in page
    for claim in made["claims"][:6]:
        assert claim["short"].replace("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;") in page
    sources = re.findall(r"(?:informe|report) (\w+), (?:resultado|result) \d", page)
    assert sources == ["money", "retention", "drivers", "retention", "journey", "emitted"]
    assert page.count("<li>") == 6 + 1 + 1 + 5  # findings, a contradiction, a gap, decisions
    assert len(made["tables"]["decisions"]["rows"]) == 5
    assert made["figure"]["alt"].count(":") >= 4


def test_the_figure_says_what_stands_and_what_does_not():
    words = Words("en")
    drawn = figures.draw_chain(diagnose(published(FINDINGS, LEVELS)), words=words)
    assert figures.title(drawn) == "Of the 4 links of the chain, 3 have a finding"
    texts = {text.get_text() for text in drawn.texts}
    assert {"Designed", "Emitted", "Perceived", "Behaviour", "Money"} <= texts
    assert {"kCLP 1.42", "0.80", "88.5%", "a level only"} <= texts
    vain = figures.draw_chain(diagnose(published(NOTHING)), words=words)
    assert figures.title(vain).startswith("No link of the chain has a finding")
    empty = figures.draw_chain(diagnose(published(LEVELS[1:])), words=words)
    assert figures.title(empty) == "No report looked at the links of the chain"
    assert [text.get_text() for text in empty.texts].count("no result") == 4
