# ruff: noqa: E501  tables of cases: one case to a line
import io

import pandas as pd
import pytest
from intake_clients import ROWS, SURVEY, checked, refused, write_client

from cxlab.errors import InputError
from cxlab.intake import dataset
from cxlab.intake.declared.canonical import tables


@pytest.fixture(autouse=True)
def _key(monkeypatch):
    monkeypatch.setenv("CXLAB_ID_KEY", "a key for tests only")


def one(table, text, extra=""):
    """Return (declaration, files) of one source."""
    return f"name: A\ndata_date: 2025-06-30\nsources:\n  - file: raw/t.csv\n    table: {table}\n{extra}", {
        "t.csv": text
    }


EASE = "    scales: {ease: [1, 7]}\n"
WRONG = [
    ("tracking_responses", "response_id,ease\n1,7\n", EASE, "no column wave_id"),
    ("customers", "customer_id,x\na,1\n", "", "none of start_date + observation_end / duration + event whole"),
    ("customers", "duration,event\n3,1\n", "", "no column customer_id"),
    ("customers", "customer_id,duration,event\na,3,1\na,4,0\n", "", "row 3, column customer_id: found the customer_id of row 2 of raw/t.csv again"),
    ("customers", "customer_id,duration,event\n,3,1\n", "", "column customer_id: found an empty cell; allowed: a value in every row"),
    ("customers", "customer_id,duration,event\na,0,1\n", "", "row 2, column duration: found '0'; allowed: 1 or more"),
    ("customers", "customer_id,duration,event\na,-3,1\n", "", "column duration: found '-3'; allowed: 1 or more"),
    ("customers", "customer_id,duration,event\na,,1\n", "", "column duration: found an empty cell; allowed: a value in every row"),
    ("customers", "customer_id,duration,event\na,3,\nb,3,1\n", "", "row 2, column event: found an empty cell; allowed: 0 or 1 in every row. if empty means still a customer"),
    ("customers", "customer_id,duration,event\na,3,2\nb,3,1\n", "", "column event: found '2'; allowed: 0 or 1"),
    ("customers", "customer_id,duration,event\na,3,Yes\n", "", "column event: found 'Yes'; allowed: 0 or 1. recode it: `values: {event:"),
    ("customers", "customer_id,start_date,end_date,observation_end\na,2024-05-01,2024-04-01,2025-01-01\n", "", "column end_date: found '2024-04-01'; allowed: end_date on or after start_date"),
    ("customers", "customer_id,start_date,end_date,observation_end\na,2024-05-01,2025-04-01,2025-01-01\n", "", "column end_date: found '2025-04-01'; allowed: observation_end on or after end_date"),
    ("customers", "customer_id,start_date,observation_end\na,2025-05-01,2025-01-01\n", "", "observation_end on or after start_date"),
    ("customers", "customer_id,start_date,observation_end\na,,2025-01-01\n", "", "column start_date: found an empty cell"),
    ("customers", "customer_id,start_date,observation_end\na,2024-01-01,2025-07-01\n", "", "column observation_end: found '2025-07-01'; allowed: dates up to 2025-06-30"),
    ("customers", "customer_id,start_date,end_date,observation_end,event\na,2024-01-01,2024-02-01,2025-01-01,0\n", "", "allowed: 1 with an end_date, 0 without"),
    ("customers", "customer_id,duration,event,end_type\na,3,1,moved\n", "", "found 'moved'; allowed: voluntary, involuntary"),
    ("customers", "customer_id,duration,event,weight\na,3,1,0\nb,3,1,-1\n", "", "column weight: found '-1'; allowed: more than 0"),
    ("survey_responses", "response_id,region\n1,a\n", "", "found no score column; allowed: at least one of effectiveness, ease"),
    ("survey_responses", "response_id,ease\n1,3\n2,5\n", "", "column ease: found values from 3 to 5; allowed: a declared scale. declare `scales: {ease: [1, 7]}`"),
    ("survey_responses", "response_id,recommend\n1,3\n", "", "declare `scales: {recommend: [0, 10]}`"),
    ("survey_responses", "response_id,ease\n1,3\n2,99\n3,99\n", EASE, "row 3, column ease: found '99' (2 rows); allowed: 1 to 7"),
    ("survey_responses", "response_id,ease\n1,3\n1,4\n", EASE, "found the response_id of row 2 of raw/t.csv again"),
    ("survey_responses", "response_id,ease,mode\n1,3,fax\n", EASE, "column mode: found 'fax'; allowed: phone, in_person"),
    ("survey_responses", "response_id,ease,status\n1,3,test\n", EASE, "exclude them: `exclude: [{where: \"status == 'test'\""),
    ("survey_responses", "response_id,ease,responded_at\n1,3,2025-12-01\n", EASE, "dates up to 2025-06-30"),
    ("interactions", "interaction_id,channel\n1,app\n", "", "no column customer_id"),
    ("interactions", "interaction_id,customer_id,wait_time_s\n1,a,-5\n", "", "column wait_time_s: found '-5'; allowed: 0 or more"),
    ("items", "item_id,direction\nease,sideways\n", "", "found 'sideways'; allowed: up, down"),
    ("benchmark_responses", "peer_id,region\na,b\n", "", "found no score column"),
    ("benchmark_responses", "peer_id,successes,trials\na,5,4\n", "", "allowed: both counts, and no more successes than trials"),
    ("benchmark_responses", "peer_id,successes,trials\na,,\nb,1,4\n", "", "column trials: found an empty cell; allowed: a count in every row"),
    ("benchmark_responses", "peer_id,successes,trials\na,1,\n", "", "both counts"),
    ("benchmark_responses", "peer_id,respondent_id,ease\na,1,4\na,1,5\nb,1,5\n", EASE, "found the peer_id + respondent_id of row 2"),
    ("benchmark_scores", "peer_id,metric,value\na,nps,4\n", "", "found none of n / std_error whole"),
    ("benchmark_scores", "peer_id,metric,value,n,std_error\na,nps,4,,\nb,nps,4,100,\n", "", "allowed: n or std_error in every row"),
    ("benchmark_scores", "peer_id,metric,value,n\na,nps,4,10\na,nps,5,10\n", "", "found the peer_id + metric of row 2"),
    ("population_targets", "variable,category,share\nregion,a,0.5\nregion,b,0.4\n", "", "found shares of region that add up to 0.9 (2 rows); allowed: shares of one that add up to 1"),
    ("population_targets", "variable,category,share\nregion,a,60\nregion,b,40\n", "", "column share: found '60'; allowed: 1 at most"),
    ("waves", "wave_id,field_start,field_end\nw1,2025-02-01,2025-01-01\n", "", "column field_end: found '2025-01-01'; allowed: field_end on or after field_start"),
    ("waves", "wave_id,invited_n,universe_n\nw1,900,800\n", "", "column universe_n: found '800'; allowed: universe_n not less than invited_n"),
    ("items", "item_id,scale_min,scale_max\nease,7,1\n", "", "column scale_max: found '1'; allowed: scale_max not less than scale_min"),
    ("customers", "customer_id,start_date,observation_end,lock_in_end\na,2024-05-01,2025-01-01,2023-01-01\n", "", "lock_in_end on or after start_date"),
    ("survey_responses", "response_id,ease,sent_at,responded_at\n1,3,2025-02-02,2025-02-01\n", EASE, "column responded_at: found '2025-02-01'; allowed: responded_at on or after sent_at"),
    ("survey_responses", "response_id,ease,survey_type\n1,3,other\n", EASE, "found 'other'; allowed: relational, transactional"),
    ("interactions", "interaction_id,customer_id,ts_start,ts_end\n1,a,2025-01-02,2025-01-01\n", "", "column ts_end: found '2025-01-01'; allowed: ts_end on or after ts_start"),
    ("interactions", "interaction_id,customer_id,severity\n1,a,6\n", "", "column severity: found '6'; allowed: 5 at most"),
    ("complaints", "complaint_id,opened_at,closed_at\n1,2025-01-02,2025-01-01\n", "", "column closed_at: found '2025-01-01'; allowed: closed_at on or after opened_at"),
    ("complaints", "complaint_id,opened_at,closed_at\n1,2025-01-02,2025-08-01\n", "", "column closed_at: found '2025-08-01'; allowed: dates up to 2025-06-30"),
    ("transactions", "transaction_id,customer_id,ts,kind,amount\n1,a,2025-01-02,refund,10\n", "", "column amount: found '10'; allowed: 0 or less for a refund"),
    ("transactions", "transaction_id,customer_id,ts,kind,amount\n1,a,2025-01-02,purchase,-10\n", "", "column amount: found '-10'; allowed: 0 or more for a sale"),
    ("billing", "customer_id,period\na,202501\n", "", "column period: found '202501'; allowed: a month as 2025-06"),
    ("billing", "customer_id,period\na,2025-07\n", "", "column period: found '2025-07'; allowed: months up to 2025-06"),
    ("billing", "customer_id,period\na,2025-01\na,2025-01\n", "", "found the customer_id + period of row 2"),
    ("recoveries", "recovery_id,complaint_id,kind\n1,2,hug\n", "", "found 'hug'; allowed: apology, fix"),
    ("recoveries", "recovery_id,complaint_id,satisfied_after\n1,2,5\n", "", "column satisfied_after: found values from 5 to 5; allowed: a declared scale"),
    ("referrals", "referrer_id,referred_id\na,a\n", "", "allowed: another customer than referrer_id"),
    ("unsolicited_feedback", "feedback_id,valence\n1,2\n", "", "column valence: found '2'; allowed: 1 at most"),
    ("marketing_spend", "period,acq_channel,spend\n2025-01,web,-1\n", "", "column spend: found '-1'; allowed: 0 or more"),
    ("units", "unit_id,kind\nu1,kiosk\n", "", "found 'kiosk'; allowed: store, team, site"),
    ("areas", "area_id,kind\na1,middle\n", "", "found 'middle'; allowed: front, back, supplier"),
    ("touchpoints", "touchpoint_id,actor\nt1,robot\n", "", "found 'robot'; allowed: people, technology, mixed"),
    ("area_touchpoint", "area_id,touchpoint_id,responsibility_share\na1,t1,40\n", "", "column responsibility_share: found '40'; allowed: 1 at most"),
    ("management_ranking", "rater_id,item_id,rank\n1,ease,0\n", "", "column rank: found '0'; allowed: 1 or more"),
    ("journey_design", "touchpoint_id,design_version,valid_from,valid_to\nt1,1,2025-02-01,2025-01-01\n", "", "valid_to on or after valid_from"),
    ("standards", "standard_id,weight\ns1,0\n", "", "column weight: found '0'; allowed: more than 0"),
    ("mystery_visits", "visit_id,unit_id,ts\nv1,u1,2025-12-01\n", "", "dates up to 2025-06-30"),
    ("mystery_checks", "visit_id,standard_id,result\nv1,s1,1\nv1,s1,0\n", "", "found the visit_id + standard_id of row 2"),
    ("ratings", "rated_id,rater_id,rating\n1,a,2\n1,a,3\n", "", "found the rated_id + rater_id of row 2"),
    ("contingency_catalog", "case_id,last_tested\nc1,2025-12-01\n", "", "dates up to 2025-06-30"),
    ("employees_survey", "response_id,unit_id\n1,u1\n", "", "found no score column; allowed: at least one of recommend, overall_sat"),
    ("pilots", "pilot_id,design\np1,guess\n", "", "found 'guess'; allowed: rct, did, its, before_after"),
    ("pilot_assignments", "pilot_id,unit_or_customer_id\np1,a\n", "", "no column arm"),
    ("pilot_reach", "pilot_id,eligible_n,exposed_n\np1,10,12\n", "", "column eligible_n: found '10'; allowed: eligible_n not less than exposed_n"),
    ("splits", "split_id,customer_id,arm\ns1,a,x\ns1,a,y\n", "", "found the split_id + customer_id of row 2"),
    ("population_targets", "variable,category,share\nregion,a,60\nregion,b,40\n", "", 'derive: {share: "attr_percent / 100"}'),
    ("population_targets", "variable,category,share\nregion,a,1\nregion,a,0\n", "", "found the variable + category of row 2"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "text", "extra", "message"), WRONG, ids=range(len(WRONG)))
def test_a_breach_names_file_column_row_what_is_allowed_and_what_to_do(tmp_path, table, text, extra, message):
    said = refused(tmp_path, *one(table, text, extra))
    assert message in said
    assert "raw/t.csv" in said
    assert not (tmp_path / "data/acme/tables").exists()


SCORED = ("survey_responses", "tracking_responses")
RIGHT = {
    "tracking_responses": "response_id,wave_id,period,ease\n1,2024T1,2024-01,7\n2,2024T1,2024-02,5\n",
    "customers": "customer_id,duration,event,attr_promo\na,3,1,0\nb,4,0,1\n",
    "survey_responses": "response_id,ease,region\n1,3,\n2,,x\n",
    "items": "item_id,text_es,scale_min,direction\nease,¿Fácil?,1,up\n",
    "interactions": "interaction_id,customer_id,ts_start,channel\n1,a,2024-01-01 10:00,app\n2,a,2024-01-01 10:00:01,web\n",
    "benchmark_responses": "peer_id,successes,trials\na,1,4\na,2,4\n",
    "benchmark_scores": "peer_id,metric,value,std_error\na,nps,-4.5,1.2\n",
    "population_targets": "variable,category,share\nregion,a,0.3\nregion,b,0.7\nmode,app,1\n",
    "waves": "wave_id,field_start,field_end,universe_n\nw1,2025-01-01,2025-01-31,50000\n",
    "complaints": "complaint_id,customer_id,opened_at,closed_at\n1,a,2025-01-01,2025-01-01\n2,a,2025-01-01,\n",
    "transactions": "transaction_id,customer_id,ts,kind,amount\n1,a,2025-01-02,refund,-10\n2,a,2025-01-02,renewal,0\n",
    "billing": "customer_id,period,billed,paid\na,2025-01,10,10\na,2025-06,10,0\n",
    "recoveries": "recovery_id,complaint_id,kind,value\n1,1,apology,\n2,1,credit,10\n",
    "referrals": "referrer_id,referred_id,verified\na,b,1\na,c,0\n",
    "unsolicited_feedback": "feedback_id,source,valence\n1,reviews,-0.5\n2,social,1\n",
    "marketing_spend": "period,acq_channel,spend,new_customers\n2025-01,web,100,4\n2025-01,tv,900,\n",
    "units": "unit_id,kind,region\nu1,store,RM\nu2,team,V\n",
    "areas": "area_id,name_es,kind\na1,Facturación,back\n",
    "touchpoints": "touchpoint_id,channel,actor\nt1,app,technology\n",
    "management_ranking": "rater_id,item_id,rank\n1,ease,2\n2,ease,1\n",
    "area_touchpoint": "area_id,touchpoint_id,responsibility_share\na1,t1,0.25\na2,t1,0.75\n",
    "journey_design": "touchpoint_id,design_version,valid_to,promise_es\nt1,2,2030-01-01,Le llamamos en el día\n",
    "standards": "standard_id,text,kind\ns1,Saluda al entrar,binary\n",
    "mystery_visits": "visit_id,unit_id,method\nv1,u1,mystery\nv2,u1,audit\n",
    "mystery_checks": "visit_id,standard_id,result\nv1,s1,1\nv1,s2,\n",
    "ratings": "rated_id,rater_id,rating\n1,a,2\n1,b,\n",
    "contingency_catalog": "case_id,description\nc1,Corte de fibra\n",
    "employees_survey": "response_id,unit_id,attr_tools\n1,u1,4\n2,u1,5\n",
    "pilots": "pilot_id,design,start,end\np1,rct,2025-01-01,2026-01-01\n",
    "pilot_assignments": "pilot_id,unit_or_customer_id,arm\np1,a,x\np1,b,y\n",
    "pilot_reach": "pilot_id,unit_or_customer_id,eligible_n,exposed_n\np1,a,10,10\n",
    "splits": "split_id,customer_id,arm\ns1,a,x\ns1,b,y\n",
}


@pytest.mark.parametrize("table", RIGHT)
def test_what_keeps_the_contract_is_stored(tmp_path, table):
    frame = checked(tmp_path, *one(table, RIGHT[table], EASE if table in SCORED else ""), table)
    assert len(frame) == RIGHT[table].count("\n") - 1
    assert set(frame.columns) <= {*RIGHT[table].split("\n")[0].split(",")}


def test_every_table_is_tried_both_ways():
    assert set(RIGHT) == set(tables()) == {table for table, *_ in WRONG}


def test_an_empty_event_may_be_declared_to_mean_still_here(tmp_path):
    declaration, files = one(
        "customers", "customer_id,duration,event\na,3,\nb,3,1\n", '    values: {event: {"": 0}}\n'
    )
    assert checked(tmp_path, declaration, files, "customers")["event"].tolist() == [0, 1]


def test_all_problems_of_all_files_come_at_once(tmp_path):
    declaration = (
        "name: A\nsources:\n  - {file: raw/a.csv, table: customers}\n  - {file: raw/b.csv, table: survey_responses}\n"
        "  - {file: raw/c.csv, table: items}\n  - {file: raw/d.csv, table: survey_responses, names: {zzz: ease}}\n"
    )
    files = {
        "a.csv": "customer_id,duration,event\na,0,5\na,3,x\n",
        "b.csv": "response_id,ease\n1,3\n1,44\n",
        "c.csv": b"item_id\n\xff\n",
        "d.csv": "response_id,ease\n1,3\n",
    }
    with pytest.raises(InputError) as caught:
        dataset.check(write_client(tmp_path, declaration, files), "acme")
    text = str(caught.value)
    assert f"acme: {len(caught.value.problems)} problems; nothing was written" in text
    for said in (
        "row 2, column duration",
        "found '5'",
        "found 'x'",
        "customer_id of row 2",
        "byte 0xFF",
        "column zzz",
    ):
        assert said in text
    report = dataset.check(tmp_path, "acme", strict=False)
    assert [str(p) for p in report.problems] == [str(p) for p in caught.value.problems]
    assert list(report.problem_rows.columns) == [
        "file",
        "column",
        "row",
        "rows",
        "found",
        "allowed",
        "action",
    ]
    assert len(report.problem_rows) == len(report.problems)


def test_waves_are_put_together_and_repeated_keys_across_them_found(tmp_path):
    wave = "  - file: raw/{0}.csv\n    table: survey_responses\n    scales: {{recommend: [0, 10]}}\n    constants: {{wave_id: {0}}}\n"
    declaration = "name: A\nsources:\n" + wave.format("w1") + wave.format("w2")
    later = ROWS.replace("r", "s").replace("sesponse_id,secommend,segion", "response_id,recommend,attr_new")
    frame = checked(tmp_path, declaration, {"w1.csv": ROWS, "w2.csv": later})
    assert frame["wave_id"].value_counts().to_dict() == {"w1": 40, "w2": 40}
    assert frame["region"].isna().sum() == 40
    text = refused(tmp_path, declaration, {"w1.csv": ROWS, "w2.csv": ROWS})
    assert "raw/w2.csv, row 2, column response_id: found the response_id of row 2 of raw/w1.csv again" in text
    assert "found 20 more repeated (20 rows)" in text


def test_two_scales_or_two_kinds_of_one_column_are_refused(tmp_path):
    wave = "  - file: raw/{0}.csv\n    table: survey_responses\n    scales: {{recommend: [{1}, 10]}}\n"
    declaration = "name: A\nsources:\n" + wave.format("w1", 0) + wave.format("w2", 1)
    second = "response_id,recommend\nz,5\n"
    text = refused(tmp_path, declaration, {"w1.csv": ROWS, "w2.csv": second})
    assert "two scales: raw/w1.csv: 0-10; raw/w2.csv: 1-10" in text
    declaration = "name: A\nsources:\n" + wave.format("w1", 0) + wave.format("w2", 0)
    files = {
        "w1.csv": "response_id,recommend,attr_a\n1,2,3\n",
        "w2.csv": "response_id,recommend,attr_a\n9,2,tres\n",
    }
    assert "raw/w1.csv: numbers; raw/w2.csv: text" in refused(tmp_path, declaration, files)


def test_rows_and_headers_are_those_of_the_clients_own_sheet(tmp_path):
    sink = io.BytesIO()
    frame = pd.DataFrame([["", "", ""], ["Folio", "Nota P1", "x"], [1, 5, 1], [2, 11, 1]])
    frame.to_excel(sink, index=False, header=False, sheet_name="Datos")
    declaration = (
        SURVEY.replace("survey.csv", "s.xlsx")
        + "    header_row: 2\n    names: {Folio: response_id, Nota P1: recommend}\n"
    )
    text = refused(tmp_path, declaration, {"s.xlsx": sink.getvalue()})
    assert "raw/s.xlsx, row 4, column Nota P1: found '11'; allowed: 0 to 10" in text
