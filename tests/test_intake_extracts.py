"""Later extracts: their rows stand in place of the earlier ones', and every row is counted."""

import pytest
from intake_clients import write_client

from cxlab.errors import InputError
from cxlab.intake import dataset

HEADER = "customer_id,start_date,end_date,observation_end,region\n"


def extract(cut, rows):
    return HEADER + "".join(f"c{n},2024-01-01,{end},{cut},{region}\n" for n, end, region in rows)


FILES = {
    "t1.csv": extract("2025-03-31", [(1, "", "N"), (2, "", "N"), (3, "2025-02-01", "S")]),
    "t2.csv": extract("2025-06-30", [(1, "2025-05-01", "N"), (2, "", "S"), (4, "", "S")]),
    "t3.csv": extract("2025-09-30", [(1, "2025-05-01", "N"), (3, "2025-02-01", "S"), (5, "", "N")]),
}


def declared(*updates):
    lines = ["name: T", "data_date: 2025-12-31", "sources:"]
    for number, file in enumerate(updates, 1):
        lines += [f"  - file: raw/t{number}.csv", "    table: customers"]
        lines += [f"    updates: {file}"] if file else []
    return "\n".join(lines) + "\n"


def checked(root, *updates):
    report = dataset.check(write_client(root, declared(*updates), FILES), "acme")
    frame = dataset.open_dataset(root, "acme").read("customers")
    return report, frame


def counts(report):
    sources = report.tables["customers"]["sources"]
    return [(each["read"], each["used"], each["excluded"]) for each in sources]


def test_without_updates_the_same_customer_twice_is_refused(tmp_path):
    with pytest.raises(InputError, match="the customer_id of row 2 of raw/t1.csv again"):
        checked(tmp_path, "", "")


def test_rows_of_the_later_extract_stand_and_the_others_stay(tmp_path):
    report, frame = checked(tmp_path, "", "raw/t1.csv")
    replaced = {"rows that a later extract replaces": 2}
    assert counts(report) == [(3, 1, replaced), (3, 3, {})]
    assert frame["observation_end"].dt.month.tolist() == [3, 6, 6, 6]  # who vanished stays as last seen
    assert frame["event"].sum() == 2


def test_a_third_extract_replaces_through_the_second(tmp_path):
    report, frame = checked(tmp_path, "", "raw/t1.csv", "raw/t2.csv")
    replaced = "rows that a later extract replaces"
    assert counts(report) == [(3, 0, {replaced: 3}), (3, 2, {replaced: 1}), (3, 3, {})]
    assert sorted(frame["observation_end"].dt.month) == [6, 6, 9, 9, 9]
    assert [each["file"] for each in report.tables["customers"]["sources"]] == [
        "raw/t1.csv",
        "raw/t2.csv",
        "raw/t3.csv",
    ]


def test_a_file_replaced_whole_is_still_in_the_ledger(tmp_path):
    files = FILES | {"t2.csv": FILES["t1.csv"].replace("2025-03-31", "2025-06-30")}
    report = dataset.check(write_client(tmp_path, declared("", "raw/t1.csv"), files), "acme")
    assert counts(report) == [(3, 0, {"rows that a later extract replaces": 3}), (3, 3, {})]


@pytest.mark.parametrize("updates", [("raw/t2.csv", ""), ("", "raw/t9.csv"), ("raw/t1.csv", "")])
def test_updates_names_an_earlier_source_of_the_table(tmp_path, updates):
    with pytest.raises(InputError, match="which is no source of customers above it"):
        checked(tmp_path, *updates)
