"""Keeping a client's data in order: purge deletes one client's data alone, the register, the way back."""

import csv
import io
import json
import os
from pathlib import Path

import pandas as pd
import pytest
from intake_clients import write_client

from cxlab import cli
from cxlab.intake import dataset
from cxlab.intake.custody import purge
from cxlab.intake.privacy import pseudonyms as privacy
from cxlab.runs import retired

CLIENT = """
name: Ácme S.A.
purpose: Conocer qué piden los clientes
legal_basis: Contrato de encargo
responsible: Gerencia de clientes
retain_until: 2099-12-31
privacy: {free_text: [verbatim], empty_personal: [verbatim]}
sources:
  - file: raw/crm.csv
    table: customers
    names: {RUT: customer_id, Cargo: arpu}
    drop: [Correo]
  - file: raw/survey.csv
    table: survey_responses
    scales: {ease: [1, 7], attr_speed: [1, 5]}
"""
RUTS = ["12.345.678-5", "7.654.321-6", "11.111.112-K", "=1+1"]
FILES = {
    "crm.csv": "RUT,Nombre,Correo,duration,event,Cargo\n"
    + "".join(f"{rut},Ana,ana@example.cl,{n + 1},{n % 2},{n}.5\n" for n, rut in enumerate(RUTS)),
    "survey.csv": "response_id,customer_id,ease,attr_speed,responded_at,verbatim,region\n"
    + "".join(
        f"r{n},{rut},{n + 1},{n + 1},2025-01-0{n + 1},{'mi rut 12.345.678-5' if n == 1 else 'bien'},RM\n"
        for n, rut in enumerate(RUTS)
    ),
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("CXLAB_ID_KEY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    made = tmp_path / "bench"
    (made / "notebooks").mkdir(parents=True)
    for name in ("acme", "other"):
        write_client(made, CLIENT, FILES, name=name)
        dataset.check(made, name)
    return made


def run_of(folder, name, client):
    """Write a run as `cxlab run` leaves it."""
    run = folder / "runs" / name
    run.mkdir(parents=True)
    (run / "report.html").write_text("<p>", encoding="utf-8")
    (run / "manifest.json").write_text(json.dumps({"client": client, "outputs": {}}), encoding="utf-8")
    (folder / "current").mkdir(exist_ok=True)
    (folder / "current" / f"{name}.json").write_text(json.dumps({"run": name}), encoding="utf-8")
    for page in (f"{name}.html", "index.html"):
        (folder / page).write_text("<p>", encoding="utf-8")


def cxlab(root, *arguments):
    return cli.main([arguments[0], "--root", str(root), *arguments[1:]])


def state(folder):
    """Every file under a folder and its bytes."""
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_purge_says_what_it_would_delete_and_deletes_nothing(root, capsys):
    run_of(root / "reports/built/acme-single", "a", "acme")
    before = state(root.parent)
    assert cxlab(root, "purge", "acme") == 0
    told = capsys.readouterr().out
    for line in (
        "files received: 2 files",
        "data/acme/raw/crm.csv",
        "tables made of them: 3 files",
        "acme.key",
    ):
        assert line in told, told
    assert "published reports: 5 files" in told
    assert "to delete it: cxlab purge acme --yes" in told
    assert state(root.parent) == before


def test_purge_deletes_one_client_whole_and_leaves_the_other_alone(root, capsys):
    run_of(root / "reports/built/acme-single", "a", "acme")
    run_of(root / "reports/built/other-single", "b", "other")
    for name in ("mapping.xlsx", "revision.xlsx", "raw/deep/er/x.csv", "relinked/c.csv"):
        path = root / "data/acme" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    before = state(root.parent)
    assert cxlab(root, "purge", "acme", "--yes") == 0
    after = state(root.parent)
    assert sorted(p.name for p in (root / "data/acme").iterdir()) == ["client.yaml", "purged.json", "raw"]
    assert not list((root / "data/acme/raw").iterdir())
    assert not privacy.key_file("acme").exists()
    assert privacy.key_file("other").exists()
    gone = {path.relative_to(root.parent) for path in before.keys() - after.keys()}
    assert {path.parts[:3] for path in gone} == {
        ("bench", "data", "acme"), ("bench", "reports", "built"), ("config", "cxlab", "keys"),
    }  # fmt: skip
    assert all("acme" in str(path) for path in gone)
    kept = {path: content for path, content in before.items() if path in after}
    assert {path: after[path] for path in kept} == kept
    assert "copies elsewhere, backups, sent reports" in capsys.readouterr().out
    dataset.open_dataset(root, "other")


def test_the_receipt_counts_and_hashes_and_names_no_file(root):
    (root / "data/acme/raw/12.345.678-5.csv").write_text("x")
    digests = {purge._digest(path) for path in (root / "data/acme/raw").iterdir()}
    assert cxlab(root, "purge", "acme", "--yes") == 0
    said = (root / "data/acme/purged.json").read_text()
    first = json.loads(said)["purges"][0]
    assert set(first["deleted"]["raw"]["each"]) == digests
    assert first["deleted"]["raw"]["files"] == 3
    assert first["deleted"]["key"]["files"] == 1
    assert first["left"] == 0
    assert "csv" not in said
    assert "12.345" not in said
    assert cxlab(root, "purge", "acme", "--yes") == 0
    assert len(json.loads((root / "data/acme/purged.json").read_text())["purges"]) == 2


def test_keep_reports_keeps_them(root):
    run_of(root / "reports/built/acme-single", "a", "acme")
    assert cxlab(root, "purge", "acme", "--yes", "--keep-reports") == 0
    assert (root / "reports/built/acme-single/index.html").is_file()


def test_of_a_study_of_two_clients_only_one_goes(root, capsys):
    folder = root / "reports/built/both"
    run_of(folder, "a", "acme")
    run_of(folder, "b", "other")
    for name, content in (("f", {"parameters": {"client": "acme"}}), ("g", {"parameters": {}})):
        (folder / "failed" / name).mkdir(parents=True)
        (folder / "failed" / name / "error.json").write_text(json.dumps(content))
    assert cxlab(root, "purge", "acme", "--yes") == 0
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {".lock"}
    assert left == {
        "b.html", "current/b.json", "runs/b/manifest.json", "runs/b/report.html", "failed/g/error.json",
    }  # fmt: skip
    assert "failed/g does not say whose it is: it stays" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_links_are_deleted_and_never_followed(root, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.csv").write_text("x")
    (root / "data/acme/raw/away").symlink_to(outside)
    (root / "data/acme/raw/file.csv").symlink_to(outside / "precious.csv")
    (root / "data/acme/client.yaml.bak").symlink_to(root / "data/other/client.yaml")
    (root / "reports/built").mkdir(parents=True)
    (root / "reports/built/linked").symlink_to(outside)
    assert cxlab(root, "purge", "acme", "--yes") == 0
    assert (outside / "precious.csv").read_text() == "x"
    assert (root / "data/other/client.yaml").is_file()
    assert not (root / "data/acme/raw/away").is_symlink()
    assert (root / "reports/built/linked").is_symlink()


def test_what_cannot_be_deleted_is_named_and_the_code_is_5(root, monkeypatch, capsys):
    unlink = Path.unlink

    def stuck(self, *args, **kwargs):
        if self.name == "crm.csv":
            raise PermissionError(13, "Permission denied")
        return unlink(self, *args, **kwargs)

    monkeypatch.setattr(Path, "unlink", stuck)
    assert cxlab(root, "purge", "acme", "--yes") == 5
    told = capsys.readouterr().err
    assert "1 files could not be deleted: data/acme/raw/crm.csv (Permission denied)" in told
    assert json.loads((root / "data/acme/purged.json").read_text())["purges"][0]["left"] == 1
    assert not (root / "data/acme/raw/survey.csv").exists()


def test_a_client_with_a_broken_declaration_can_be_purged(root):
    (root / "data/acme/client.yaml").write_text("name: [\n")
    assert cxlab(root, "purge", "acme", "--yes") == 0
    assert not (root / "data/acme/tables").exists()


def test_a_study_that_runs_is_not_purged(root):
    run_of(root / "reports/built/acme-single", "a", "acme")
    with retired.locked(root / "reports/built/acme-single"):
        assert cxlab(root, "purge", "acme", "--yes") == 5
    assert (root / "data/acme/raw/crm.csv").is_file()


def test_the_register_says_whose_data_which_and_why(root, capsys):
    run_of(root / "reports/built/acme-single", "a", "acme")
    assert cxlab(root, "register", "acme") == 0
    told = capsys.readouterr().out
    assert "whose                            customers" in told
    path = root / "data/acme/register.csv"
    text = path.read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert [row["archivo recibido"] for row in rows] == ["raw/crm.csv", "raw/survey.csv"]
    first, second = rows
    assert first["cliente"] == "Ácme S.A."
    assert first["de quiénes"] == "clientes"
    assert first["columnas que no se guardan"] == "Correo, Nombre"
    assert "códigos seudonimizados: customer_id" in first["qué datos se guardan"]
    assert "montos: arpu" in first["qué datos se guardan"]
    assert "notas: attr_speed, ease" in second["qué datos se guardan"]
    assert "fechas: responded_at" in second["qué datos se guardan"]
    assert "texto libre: verbatim" in second["qué datos se guardan"]
    assert second["celdas vaciadas por personales"] == "verbatim (1)"
    assert second["finalidad"] == "Conocer qué piden los clientes"
    assert second["base legal"] == "Contrato de encargo"
    assert second["responsable"] == "Gerencia de clientes"
    assert second["se guarda hasta"] == "2099-12-31"
    assert second["informes publicados"] == "acme-single (1)"
    assert second["sha256 (inicio)"] == purge._digest(root / "data/acme/raw/survey.csv")[:12]
    assert str(privacy.key_file("acme").parent) not in text
    before = path.read_bytes()
    assert cxlab(root, "register", "--all") == 0
    assert path.read_bytes() == before, "the same bytes"
    assert (root / "data/other/register.csv").is_file()


def test_the_register_of_files_not_read_yet_says_so_and_a_wrong_client_does_not_stop_the_rest(root, capsys):
    write_client(root, CLIENT, {}, name="fresh")
    (root / "data/bad").mkdir()
    (root / "data/bad/client.yaml").write_text("nme: x\n")
    assert cxlab(root, "register", "--all") == 2
    told = capsys.readouterr()
    assert "bad: bad: client.yaml has" in told.err
    assert "not read yet" in told.out
    assert cxlab(root, "register") == 3
    assert cxlab(root, "register", "acme", "--all") == 3


def pseudonymous(root, name="scores.csv"):
    """Write a file such as a model leaves: pseudonyms and a score."""
    customers = dataset.open_dataset(root, "acme").read("customers")
    given = pd.DataFrame(
        {"customer_id": [*customers["customer_id"], "abcdefghijklmnopabcd"], "score": [0.5] * 5}
    )
    path = root.parent / name
    {".csv": given.to_csv, ".xlsx": given.to_excel, ".parquet": given.to_parquet}[path.suffix](
        path, index=False
    )
    return path


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_relink_puts_the_codes_beside_the_pseudonyms(root, capsys, suffix):
    path = pseudonymous(root, f"scores{suffix}")
    assert cxlab(root, "relink", str(path), "--client", "acme") == 0
    assert "customer_id: 4 pseudonyms with their code, 1 without" in capsys.readouterr().out
    made = root / "data/acme/relinked" / path.name
    read = {".csv": pd.read_csv, ".xlsx": pd.read_excel, ".parquet": pd.read_parquet}[suffix](made)
    assert list(read.columns) == ["customer_id", "customer_id_original", "score"]
    wanted = [*RUTS[:3], "'=1+1" if suffix == ".csv" else "=1+1"]
    assert read["customer_id_original"].tolist()[:4] == wanted
    assert read["customer_id_original"].isna().tolist() == [False] * 4 + [True]
    assert read["score"].tolist() == [0.5] * 5
    if suffix == ".xlsx":
        from openpyxl import load_workbook

        cells = [cell for row in load_workbook(made).active.iter_rows() for cell in row]
        assert not [cell for cell in cells if cell.data_type == "f"]
    if os.name == "posix":
        assert made.stat().st_mode & 0o077 == 0
        assert made.parent.stat().st_mode & 0o077 == 0


def test_relink_without_the_key_refuses_and_makes_none(root, capsys):
    path = pseudonymous(root)
    privacy.key_file("acme").unlink()
    assert cxlab(root, "relink", str(path), "--client", "acme") == 2
    assert "is not on this machine" in capsys.readouterr().err
    assert not privacy.key_file("acme").exists()
    assert not (root / "data/acme/relinked").exists()


def test_relink_refuses_pseudonyms_of_others(root, capsys):
    path = pseudonymous(root)
    assert cxlab(root, "relink", str(path), "--client", "other") == 2
    assert "no pseudonym in it is of other's data" in capsys.readouterr().err
    (root / "data/acme/raw/crm.csv").unlink()
    (root / "data/acme/raw/survey.csv").unlink()
    assert cxlab(root, "relink", str(path), "--client", "acme") == 2
    assert "not read: raw/crm.csv, raw/survey.csv" in capsys.readouterr().err


@pytest.mark.parametrize(
    "out", ["../x.csv", "../../../reports/x.csv", "/tmp/h.csv", "sub/x.csv", ".x.csv", "x.xlsx", "x.html"]
)
def test_relink_writes_nowhere_else(root, capsys, out):
    path = pseudonymous(root)
    before = state(root.parent)
    assert cxlab(root, "relink", str(path), "--client", "acme", "-o", out) == 2
    assert state(root.parent) == before
    assert not Path("/tmp/h.csv").exists()


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_relink_writes_through_no_link(root, tmp_path):
    path = pseudonymous(root)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (root / "data/acme/relinked").symlink_to(elsewhere)
    assert cxlab(root, "relink", str(path), "--client", "acme") == 2
    assert not list(elsewhere.iterdir())
