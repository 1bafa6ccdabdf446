"""What changed as a page: conclusions and numbers first, causes in words, data as text and nothing else."""

import errno
import os
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from intake_clients import SURVEY, write_client
from test_runs_diff import bundle, claim, compared, row, run

from cxlab import cli
from cxlab.reporting.html import CSP, Client
from cxlab.reporting.words import Words
from cxlab.runs.compared.diff_page import Compared, Side, page
from cxlab.runs.outputs import as_json
from cxlab.runs.publish import shelf

CLIENT = Client(name="Acme", labels={"columns": {"region": {"es": "Región", "en": "Region"}}})


def made(*pairs, language="es", client=CLIENT, **more):
    words = Words(language, client.labels)
    reports = [
        Compared(
            title=f"¿{k}?", before=Side(run="r1", day="2026-01-31"), after=Side(run="r2"), words=words,
            found=compared(*pair),
        )
        for k, pair in enumerate(pairs, 1)
    ]  # fmt: skip
    return page(reports, client=client, words=words, **more)


def said(html):
    text = re.sub(r"<[^>]*>", " ", html.partition("<body>")[2] or html)
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def pair():
    """V is 20 points apart with errors of 3 and 4, X is 1; the claim of V turns; one is gone."""
    before = run(
        bundle(
            [row("V", 20.0, 3.0, 500), row("X", 10.0, 3.0, 400), row("Y", 7.0, 1.0, 300)],
            [
                claim("score.segment", "C", "It goes with V.", segment="V", estimate=5.0, n=500),
                claim("z", "D", "Old."),
            ],
        ),
        versions={"pandas": "2.2"},
    )
    after = run(
        bundle(
            [row("V", 40.0, 4.0, 700), row("X", 11.0, 3.0, 600), row("Y", 7.0, 1.0, 500)],
            [claim("score.segment", "D", "It is observed with V.", segment="V", estimate=-5.0, n=700)],
            used=1100,
        ),
        sha="22",
        used=1100,
        rows=1100,
        parameters={"where": "region != 'RM'", "by": ["region"]},
    )
    return before, after


def test_the_answer_is_how_many_numbers_and_conclusions_changed():
    html = made(pair())
    numbers = re.findall(r'<p class="cx-big">(.*?)</p><p class="cx-sentence">(.*?)</p>', html)
    assert [number for number, _ in numbers] == ["1", "2"]
    assert "de 3 comparadas" in numbers[0][1]


def test_what_went_beyond_its_error_stands_open_and_the_rest_is_folded():
    html = made(pair())
    groups = re.findall(
        r"<details class=\"cx-data\"( open)?><summary>(.*?)</summary>(.*?)</details>", html, re.DOTALL
    )
    assert [(bool(opened), title) for opened, title, _ in groups] == [
        (True, "Más allá de su error: 1"), (False, "Dentro de su error: 1"),
    ]  # fmt: skip
    assert "V · NPS 20,0 puntos (17,0 a 23,0) 40,0 puntos (36,0 a 44,0) +20,0 puntos" in said(groups[0][2])
    assert "X" in said(groups[1][2])


def test_conclusions_are_laid_side_by_side_with_the_word_of_their_grade():
    text = said(made(pair()))
    turned = "Antes: It goes with V. asociación Ahora: It is observed with V. descripción"
    assert f"Con otro verbo, en la otra dirección {turned}" in text
    assert "Ya no se dice Antes: Old. descripción" in text


def test_causes_are_said_in_words():
    text = said(made(pair()))
    why = text[text.index("Por qué") :]
    assert "no se distingue cuál movió qué" in why
    assert "region != &#39;RM&#39;" in why
    assert "pandas 2.2 2.3.3" in why
    assert re.search(r"filas 900 1\.100", why)


def test_parameters_without_a_name_keep_their_own_and_many_versions_are_folded():
    """`margin` is a column of economics too: a declared margin must not be called by its name."""
    versions = [{f"p{k}": v for k in range(9)} for v in ("1", "2")]
    before, after = (
        run(bundle([]), versions=each, parameters={"where": "", "margin": m, "strict": bool(m)})
        for each, m in zip(versions, (0, 5), strict=True)
    )
    html = made((before, after))
    assert "margin 0 5" in said(html)
    assert "strict no sí" in said(html)
    assert "<summary>Versiones: 9</summary>" in html


def test_on_the_same_rows_it_says_that_the_computation_changed():
    html = made((run(bundle([row("V", 20.0, 3.0, 500)])), run(bundle([row("V", 21.0, 3.0, 500)]))))
    assert "lo que cambió es el cálculo, no las personas" in said(html)
    assert '<p class="cx-big">1</p>' in html


def test_what_is_hidden_has_no_number_and_no_sentence():
    """Bases that differ by three: neither numbers nor sentences of that segment, nor of the one beside it."""
    before = run(
        bundle(
            [row("V", 77.7, 3.0, 50), row("X", 10.0, 3.0, 400)],
            [claim("a", sentence="77,7.", segment="V", n=50)],
        )
    )
    after = run(
        bundle(
            [row("V", 88.8, 3.0, 53), row("X", 11.0, 3.0, 403)], [claim("a", "C", "88,8.", segment="V", n=53)]
        ),
        sha="22",
    )
    html = made((before, after))
    assert not re.search(r"77[,.]7|88[,.]8", html)
    assert "No se muestra" in said(html)


def test_nothing_changed_is_said():
    same = run(bundle([row("V", 20.0, 3.0, 500)]))
    assert "Nada cambió: 1 cifra es la misma." in said(made((same, same)))


def test_several_reports_have_contents_and_the_others_are_named():
    html = made(pair(), pair(), apart=(["gone"], ["came"]), refused=["they differ by under 10"])
    assert re.findall(r'<li><a href="#(r\d)">(.*?)</a>', html) == [("r1", "¿1?"), ("r2", "¿2?")]
    text = said(html)
    assert "Solo antes: gone" in text
    assert "Solo ahora: came" in text
    assert "they differ by under 10" in text


@pytest.mark.parametrize("language", ["es", "en"])
def test_the_page_has_one_h1_a_policy_and_every_word(language):
    html = made(pair(), language=language)
    assert html.count("<h1") == 1
    assert f'content="{CSP.replace(chr(39), "&#39;")}"' in html
    assert f'<html lang="{language}">' in html
    assert not re.search(r"\bdiff\.[a-z]|\bgrade\.", said(html))
    assert re.findall(r"<h[1-4]", html) == sorted(re.findall(r"<h[1-4]", html))
    assert all("scope=" in each for each in re.findall(r"<th\b[^>]*>", html))
    assert html.count("<table") == html.count("<caption>")


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found, self.text = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


PAYLOADS = (
    "<script>document.title='PWNED'</script>", "<img src=x onerror=x()>", '"><svg onload=x()>',
    "</style><script>x()</script>", '<a href="javascript:x()">x</a>', "<iframe srcdoc='x'>",
    "=cmd|' /C calc'!A0", "@SUM(1+1)", "+1", "-1", "{{ 7*7 }}", "{% for x in y %}", "{0} %s ${x}",
    "a&amp;b \"c\" 'd' <e>", "]]><!-- -->", "https://example.org/x.png", "🙂 ☠", "\u202eאb",
    "\x1b[31mred", "<base href=//x>", "<meta http-equiv=refresh content=0>",
)  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payloads_stay_text_in_every_place(payload):
    columns = [
        "region",
        payload,
        "metric",
        "estimate",
        "std_error",
        "conf_low",
        "conf_high",
        "n",
        "flag",
        "verdict",
    ]

    def one(value, verdict, n):
        rows = [[payload, payload, payload, value, 1.0, value - 2, value + 2, n, "ok", verdict]]
        made = bundle(
            [], [claim(payload, "C", f"{payload} {n}", segment=payload, n=n)], used=n, dropped={payload: n}
        )
        return {
            **made,
            "kind": payload,
            "keys": ["region", payload, "metric"],
            "tables": {payload: {"columns": columns, "rows": rows}},
        }

    more = {"language": "es", "notebook": payload, "client": payload}
    before = run(
        one(1.0, payload, 500),
        name=payload,
        parameters={payload: payload, "where": payload},
        versions={payload: payload},
        **more,
    )
    after = run(
        one(99.0, payload + "2", 700), name=payload, sha="22", parameters={payload: [payload]}, **more
    )
    labels = {"columns": {payload: payload, "region": payload}, "values": {"region": {payload: payload}}}
    client = Client(name=payload, focal=payload, logo=payload, labels=labels)
    words = Words("es", labels)
    report = Compared(
        title=payload,
        before=Side(run=payload),
        after=Side(run=payload),
        words=words,
        found=compared(before, after),
    )
    html = page(
        [report, replace(report)], client=client, words=words, apart=([payload], [payload]), refused=[payload]
    )
    allowed = {
        "html", "head", "meta", "title", "style", "body", "a", "header", "div", "span", "h1", "h2", "h3",
        "main", "section", "nav", "p", "ol", "ul", "li", "dl", "dt", "dd", "b", "details", "summary",
        "table", "caption", "thead", "tbody", "tr", "th", "td", "code",
    }  # fmt: skip
    found = Tags(html)
    assert {tag for tag, _ in found.found} <= allowed
    for tag, given in found.found:
        assert not [name for name in given if name.startswith("on") or name in ("src", "style", "srcdoc")], (
            tag,
            given,
        )
        assert re.fullmatch(r"#\w+", given.get("href", "#a"))
    assert sum(tag == "meta" for tag, _ in found.found) == 5
    shown = " ".join(payload.replace("\x1b", " ").split())
    assert " ".join(" ".join(found.text).split()).count(shown) >= 8
    html.encode("utf-8")


# --- as a file ---------------------------------------------------------------------------------------


def publish(opened, entry, run_id, made, **manifest):
    book = {
        "cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# ¿Cómo estamos?"}],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    files = {
        "report.html": b"<p>",
        "results.json": as_json(dict(made.results)),
        "notebook.ipynb": as_json(book),
    }
    told = {
        **made.manifest,
        "entry": entry,
        "study": opened.folder.name,
        "finished": f"2026-01-0{len(run_id)}",
        **manifest,
    }
    told["fingerprint"] = {**told["fingerprint"], "id": run_id}
    opened.show(entry, opened.publish(entry, run_id, files, told), b"<p>")


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("CXLAB_LANGUAGE", "en")
    for folder in ("notebooks", "data", "reports"):
        (tmp_path / folder).mkdir()
    before, after = pair()
    with shelf(tmp_path, "acme") as opened:
        publish(opened, "scores", "r1", before, language="es")
        publish(opened, "scores", "r22", after, language="es")
        publish(opened, "other", "o1", before, language="es")
    with shelf(tmp_path, "next") as opened:
        publish(opened, "scores", "r333", after, language="es")
        publish(opened, "other", "o22", after, language="es")
    return tmp_path


def test_the_page_goes_beside_the_reports_whole_and_says_where(root, capsys):
    assert cli.main(["diff", "r1", "r22", "--html", "--root", str(root)]) in (0, 3)
    folder = root / "reports/built/acme"
    runs = [folder / "runs/r1", folder / "runs/r22"]
    assert cli.main(["diff", *map(str, runs), "--html", "--root", str(root)]) == 0
    path = folder / "compared/r1--r22.html"
    assert str(path) in capsys.readouterr().out
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    html = path.read_text(encoding="utf-8")
    assert "¿Cómo estamos?" in html
    assert "Qué cambió" in html
    assert "2 de enero de 2026" in said(html)


def test_two_studies_make_one_page_and_a_file_can_be_named(root, capsys):
    assert cli.main(["diff", "acme", "next", "--html", "--root", str(root)]) == 0
    path = root / "reports/built/next/compared/acme--next.html"
    assert path.read_text(encoding="utf-8").count("<h2") == 2
    there = root / "sent" / "what changed.html"
    for _ in range(2):  # the second time it is replaced
        assert (
            cli.main(["diff", "acme/scores", "next/scores", "--html", str(there), "--root", str(root)]) == 0
        )
        assert there.read_text(encoding="utf-8").endswith("</html>")
    assert cli.main(["diff", "acme", "next", "--html", str(root / "x.csv"), "--root", str(root)]) == 3
    assert "let it end in .html" in capsys.readouterr().err
    assert not (root / "x.csv").exists()


def test_a_page_that_cannot_be_written_whole_leaves_the_old_one(root, capsys, monkeypatch):
    there = root / "page.html"
    there.write_text("old")

    def full(*_):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "replace", full)
    assert cli.main(["diff", "acme/scores", "next/scores", "--html", str(there), "--root", str(root)]) != 0
    assert "no space left" in capsys.readouterr().err
    assert there.read_text() == "old"
    assert not [each.name for each in root.iterdir() if "page.html." in each.name]


def test_a_rival_that_was_masked_since_keeps_the_page_from_being_written(root, capsys):
    """The earlier report says “Old.”; from today on that one is called by a letter."""
    declared = SURVEY + "mask_peers: [v]\nlabels: {values: {peer_id: {v: {es: Old, en: Old}}}}\n"
    write_client(root, declared)
    there = root / "page.html"
    runs = [str(root / "reports/built/acme/runs" / name) for name in ("r1", "r22")]
    assert cli.main(["diff", *runs, "--html", str(there), "--root", str(root)]) != 0
    assert "would name a rival that is masked now" in capsys.readouterr().err
    assert not there.exists()
