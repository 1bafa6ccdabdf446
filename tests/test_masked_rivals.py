"""Rivals by a letter: in labels, so that every file agrees, and in no file by their names."""

import zipfile
from datetime import date

import nbformat
import pandas as pd
import pytest
import reporting_examples as examples
import volume_examples

from cxlab.errors import InputError, RunError
from cxlab.intake import client as clients
from cxlab.intake.declared.masks import check_labelled, rivals, with_masks
from cxlab.reporting import body, figures, html
from cxlab.reporting.volume import names
from cxlab.reporting.words import Words
from cxlab.runs.deliveries import files
from cxlab.runs.deliveries.delivered import deliver

LABELS = {"values": {"peer_id": {"fc": {"es": "Fibra", "en": "Fibra"}, "tds": {"es": "Sur", "en": "South"}}}}


def declared(tmp_path, text: str):
    folder = clients.new(tmp_path, "acme")
    (folder / "client.yaml").write_text(f"name: Fibra Cordillera S.A.\n{text}\nsources: []\n")
    return clients.load(folder)


def test_letters_follow_the_list_and_the_client_is_never_masked(tmp_path):
    listed = declared(tmp_path, "mask_peers: [Sur, Andes]").labels_mapping()
    peers = listed["values"]["peer_id"]
    assert {code: said["es"] for code, said in peers.items()} == {
        "Sur": "Competidor A",
        "Andes": "Competidor B",
    }
    words = Words("en", listed)
    assert [words.label("peer_id", p) for p in ("Andes", "Fibra")] == ["Competitor B", "Fibra"]
    assert rivals(True, LABELS, ["Fibra Cordillera S.A."]) == ["tds"]
    many = with_masks({}, [str(k) for k in range(28)])["values"]["peer_id"]
    assert [many[k]["en"] for k in ("25", "26", "27")] == ["Competitor Z", "Competitor AA", "Competitor AB"]


def test_all_of_them_needs_to_know_who_they_are(tmp_path):
    labels = "labels: {values: {peer_id: {fibra: Fibra Cordillera, sur: Telefónica del Sur}}}"
    found = declared(tmp_path / "a", f"mask_peers: true\n{labels}")
    assert found.rivals == ["sur"]
    assert found.rivals_names() == {"Telefónica del Sur"}
    with pytest.raises(InputError, match="no label of peer_id that is the client itself"):
        declared(tmp_path / "b", "mask_peers: true")
    with pytest.raises(InputError, match="mask_peers is true and 1 peers have no label"):
        check_labelled(pd.Series(["fibra", "sur", "andes"]), found.labels_mapping(), "acme")


def test_a_claim_of_a_rival_is_called_by_its_letter():
    table = {"columns": ["unit"], "rows": [["Sur"], ["fc"]]}
    bundle = {"keys": ["unit"], "tables": {"main": table}}
    claim = {"code": "benchmark.ahead", "fields": {"peer": "Sur"}}
    assert names([(claim, bundle)], masked={"Sur": "Competidor A"}) == ["benchmark.ahead Competidor A"]


def league(labels) -> nbformat.NotebookNode:
    shown = examples.shown(examples.league(), figures.draw_league, Words("es", labels), 1)
    return examples.notebook([shown], title="¿En qué lugar estamos?")


def test_a_chapter_calls_its_claims_so():
    notebook = league({})
    body.bundles(notebook)[0]["claims"][0]["fields"]["peer"] = "tds"
    masks = with_masks({}, ["tds"])["masked"]
    chapter = volume_examples.chapter(
        "benchmark", notebook, client=html.Client(name="x", labels={"masked": masks})
    )
    assert "tds" not in chapter.stated[0].name
    assert masks["tds"] in chapter.stated[0].name.split()


@pytest.mark.parametrize("masked", [True, False])
def test_no_file_that_is_handed_over_names_a_rival(tmp_path, monkeypatch, masked):
    result = examples.league()
    own = "fc"
    others = [str(unit) for unit in result.table["unit"] if unit != own]
    found = declared(tmp_path, f"mask_peers: {others!r}")
    labels = found.labels_mapping() if masked else {}
    monkeypatch.setattr(files, "MAKERS", [each for each in files.MAKERS if each.kind in ("deck", "annex")])
    chapter = volume_examples.chapter(
        "benchmark", league(labels), client=html.Client(name=found.name.es, labels=labels)
    )
    volume_examples.publish(tmp_path, chapters=[chapter], client="acme")
    if not masked:  # it was run before the names were to be masked
        with pytest.raises(RunError, match=r"names a rival that is masked: nothing was delivered"):
            deliver("fibra", tmp_path, today=date(2026, 11, 26))
        return
    done = deliver("fibra", tmp_path, today=date(2026, 11, 26))
    with zipfile.ZipFile(done.zip) as packed:
        assert {"fibra.pptx", "fibra.xlsx", "pages/benchmark.html"} <= {*packed.namelist()}
        every = "".join(text for name in packed.namelist() for text in files._texts(packed.read(name)))
    assert not [name for name in others if name in every]
    assert f">{own}<" in every
    assert "Competidor A" in every
