import os
import re

import pytest
import yaml
from intake_clients import SURVEY, write_client

from cxlab.errors import InputError
from cxlab.intake import client
from cxlab.intake.declared import forms
from cxlab.intake.declared.canonical import tables
from cxlab.intake.declared.declaration import read_yaml
from cxlab.intake.declared.models import Client
from cxlab.intake.folders import client_name, declared_path


def load(root, text):
    return client.load(write_client(root, text) / "data" / "acme")


def problems(root, text):
    with pytest.raises(InputError) as caught:
        load(root, text)
    return "\n".join(str(problem) for problem in caught.value.problems)


def test_a_declaration_is_read_as_written(tmp_path):
    found = load(
        tmp_path,
        'name: {es: "Ñandú", en: Rhea}\nretain_until: 2027-12-31\nsources:\n  - file: raw/survey.csv\n'
        "    table: customers\n    values: {event: {Yes: 1, No: 0}, plan: {1: uno}}\n"
        "    constants: {wave_id: 2025Q2}\n"
        "    missing: {attr_x: [99, 'NA'], '*': {98: dont_know}}\n    names: {007: customer_id}\n",
    )
    source = found.sources[0]
    assert found.title("es") == "Ñandú"
    assert found.title("en") == "Rhea"
    assert found.slug == "acme"
    assert source.values == {"event": {"Yes": "1", "No": "0"}, "plan": {"1": "uno"}}
    assert source.missing == {"attr_x": {"99": "missing", "NA": "missing"}, "*": {"98": "dont_know"}}
    assert source.names == {"007": "customer_id"}
    assert source.read_as == "csv"


def test_the_same_declaration_is_parsed_once_and_shared_with_nobody(tmp_path, monkeypatch):
    text = "name: Once\nsources: []\n"
    first = load(tmp_path, text)
    first.sources.append("spoilt")
    monkeypatch.setattr(client, "read_yaml", None)
    assert client.load(tmp_path / "data" / "acme").sources == []


def test_a_name_in_one_language_stands_for_both(tmp_path):
    assert load(tmp_path, "name: {es: Solo}").title("en") == "Solo"
    assert load(tmp_path, "name: 3M").title("es") == "3M"


def test_all_slips_are_said_at_once_with_the_nearest_key(tmp_path):
    text = problems(
        tmp_path,
        "name: A\nlanguage: fr\npurpos: x\nsources:\n"
        "  - {file: raw/a.csv, table: survey_response, seperator: ';'}\n"
        "  - {file: raw/b.dat, table: customers, scales: {x: [7, 1]}, encoding: klingon, names: {A: Plan}}\n"
        "colours: {focal: blue}\n",
    )
    assert "column purpos: found the unknown key purpos" in text
    assert "did you mean purpose?" in text
    assert "did you mean separator?" in text
    assert "did you mean survey_responses?" in text
    assert "column language: found 'fr'; allowed: 'es', 'en'" in text
    assert "[lowest, highest], the lowest first" in text
    assert "an encoding: utf-8, utf-16, latin-1" in text
    assert "a colour like #1F5FA8" in text
    assert "a name in lower case" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: A\nname: B\n", "row 2: found key 'name' given twice"),
        ("name: &a A\nlogo: *a\n", "row 1: found anchor or alias"),
        ("name: A\n\tlogo: x\n", "row 2"),
        ("- a\n- b\n", "one value instead of"),
        ("name: !!python/object:os.system x\n", "row 1"),
        ("a: " + "[" * 60 + "]" * 60, "nesting too deep"),
    ],
)
def test_yaml_that_could_be_mistaken_is_refused_with_its_line(tmp_path, text, said):
    assert said in problems(tmp_path, text)


def test_yaml_is_not_guessed():
    assert read_yaml("a: yes\nb: 010\nc: 12:30\nd: 1_000\ne: 0x1F\nf: .inf\ng: on\nh: 1e3", name="x") == {
        "a": "yes", "b": "010", "c": "12:30", "d": "1_000", "e": "0x1F", "f": ".inf", "g": "on", "h": "1e3",
    }  # fmt: skip


def test_billion_laughs_is_refused_at_once():
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{c}: &{c} [*{p},*{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(InputError, match="cannot be read"):
        read_yaml(bomb, name="x")


@pytest.mark.parametrize(
    "file",
    ["../other/raw/x.csv", "/etc/passwd", "raw/../../other/x.csv", "http://a.cl/x.csv", "s3://b/x.csv",
     "C:/x.csv", "${HOME}/x.csv", "raw/${CXLAB_REAL_DATA}/x", "..\\other\\x.csv"],
)  # fmt: skip
def test_files_outside_the_client_are_refused(tmp_path, monkeypatch, file):
    monkeypatch.setenv("CXLAB_REAL_DATA", str(tmp_path))
    with pytest.raises(InputError):
        declared_path(tmp_path, file)
    assert "found" in problems(
        tmp_path, f"name: A\nsources: [{{file: '{file}', table: customers, format: csv}}]"
    )


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    root = write_client(tmp_path, SURVEY, {})
    (root / "data/acme/raw/survey.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(InputError, match="leads outside"):
        declared_path(root / "data/acme", "raw/survey.csv")
    (tmp_path / "data/other").symlink_to(tmp_path / "data/acme", target_is_directory=True)
    with pytest.raises(InputError, match="is a link"):
        client.load(tmp_path / "data/other")


def test_real_data_may_be_named_by_the_environment_only(tmp_path, monkeypatch):
    monkeypatch.setenv("CXLAB_REAL_DATA", str(tmp_path))
    assert declared_path(tmp_path / "x", "${CXLAB_REAL_DATA}/a.csv") == (tmp_path / "a.csv").resolve()
    with pytest.raises(InputError, match="leads outside"):
        declared_path(tmp_path / "x", "${CXLAB_REAL_DATA}/../a.csv")
    monkeypatch.delenv("CXLAB_REAL_DATA")
    with pytest.raises(InputError, match="CXLAB_REAL_DATA is not set"):
        declared_path(tmp_path / "x", "${CXLAB_REAL_DATA}/a.csv")
    # what was read before can still be opened without the folder
    load(tmp_path, "name: A\nsources: [{file: '${CXLAB_REAL_DATA}/a.csv', table: customers}]")


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "", ".", "..", "A", "ñ", "con", "x" * 61, "-a", "a b", "a\n", "~"]
)
def test_unsafe_client_names_are_refused_with_an_example(name):
    with pytest.raises(InputError, match="cannot name a client; allowed: 1 to 60 lower-case letters"):
        client_name(name)


def test_an_unknown_client_names_the_known_ones(tmp_path):
    write_client(tmp_path)
    with pytest.raises(
        InputError, match=r"there is no client acmee: .*known clients: acme; make it with `cxlab new"
    ):
        client.load(tmp_path / "data/acmee")
    (tmp_path / "data/empty").mkdir()
    with pytest.raises(InputError, match="empty has no client.yaml"):
        client.load(tmp_path / "data/empty")


def test_new_writes_a_folder_that_loads_and_asks_for_data(tmp_path):
    folder = client.new(tmp_path, "fibra_sur")
    assert (folder / "raw").is_dir()
    assert client.load(folder).title("es") == "fibra_sur"
    sheet = (folder / "solicitud_de_datos.md").read_text(encoding="utf-8")
    assert "| customer_id | código del cliente, uno por fila | sí |" in sheet
    assert "## population_targets" in (folder / "data_request.md").read_text(encoding="utf-8")
    text = (folder / "client.yaml").read_text(encoding="utf-8")
    assert "# Nombre que se muestra" in text
    assert "# Name shown" in text
    with pytest.raises(InputError, match="there is already a client fibra_sur"):
        client.new(tmp_path, "fibra_sur")
    if os.name == "posix":
        assert folder.stat().st_mode & 0o077 == 0


def test_new_in_one_language_has_no_word_of_the_other(tmp_path):
    folder = client.new(tmp_path, "a1", language="es")
    assert "# Name shown" not in (folder / "client.yaml").read_text(encoding="utf-8")
    assert not (folder / "data_request.md").exists()


def test_every_line_of_the_form_works_once_its_mark_is_taken_off(tmp_path):
    text = (client.new(tmp_path, "a1") / "client.yaml").read_text(encoding="utf-8")
    assert "#es" not in text
    lines = [line for line in text.splitlines() if not line.startswith("sources: []")]
    used = [re.sub(r"^# ", "", line) if re.match(r"# (?: |[a-z_]+:)", line) else line for line in lines]
    (tmp_path / "data/a1/client.yaml").write_text("\n".join(used), encoding="utf-8")
    found = client.load(tmp_path / "data/a1")
    given = yaml.safe_load("\n".join(used))
    assert set(given) == set(Client.model_fields) - {"folder", "sha256"}
    assert set().union(*given["sources"]) == set(type(found.sources[0]).model_fields)


def test_the_data_request_asks_for_the_needed_tables_first():
    sheet = forms.data_request("en")
    order = [line for line in sheet.splitlines() if line.startswith("#")]
    assert order[:3] == ["# Data request", "## customers", "## survey_responses"]
    assert order.index("## billing") < order.index("# If you have them") < order.index("## splits")
    assert len(order) == len(tables()) + 2
