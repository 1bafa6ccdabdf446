"""`cxlab lab` as a person uses it: a parameter, a mistake, its correction, a report."""

import json
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from browsing import FAINT, LAYOUT, PATIENCE, browser, opened, tab
from lab_examples import workbench

pytestmark = [pytest.mark.runs_notebooks, pytest.mark.xdist_group("browser")]

ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)(/lab/tree/\S+)\?token=(\w+)")


@contextmanager
def lab(folder, *arguments):
    """JupyterLab as a person starts it, with nothing of this machine's user: where it is, and its token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {
        name: str(folder / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    }
    (folder / "jupyter_config_dir").mkdir()
    # Jupyter does not serve the superuser, whom a container's tests may be.
    settings = json.dumps({"ServerApp": {"allow_root": True}})
    (folder / "jupyter_config_dir" / "jupyter_server_config.json").write_text(settings)
    own |= {name: str(folder) for name in ("JUPYTER_RUNTIME_DIR", "XDG_RUNTIME_DIR")}
    own |= {"JUPYTER_PORT": str(port), "CXLAB_LANGUAGE": "en"}
    command = [sys.executable, "-m", "cxlab", "lab", *arguments, "--no-browser"]
    log = folder / "lab.log"
    with log.open("wb") as sink:
        started = subprocess.Popen(
            command, env={**os.environ, **own}, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.PIPE
        )
    try:
        for line in started.stderr:
            if found := ADDRESS.search(line.decode("utf-8", "replace")):
                break
        else:
            pytest.fail(f"JupyterLab did not start: {log.read_text('utf-8')}")
        yield found[1], found[2], found[3]
    finally:
        started.terminate()
        try:
            started.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            started.kill()
            started.communicate()


def test_a_parameter_is_given_corrected_and_run_as_a_report(tmp_path_factory):
    expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed here").expect
    root = tmp_path_factory.mktemp("lab")
    workbench(root, checked=["other"])
    given = ["little", "--client", "other", "--root", str(root)]
    with browser() as launched, lab(tmp_path_factory.mktemp("r"), *given) as (server, start, token):
        context = launched.new_context(viewport={"width": 1440, "height": 1000})
        context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        away: list[str] = []
        context.on("request", lambda asked: None if is_here(asked.url, server) else away.append(asked.url))
        page = context.new_page()
        page.goto(f"{server}{start}?token={token}")
        page.get_by_text("Python 3 | Idle").wait_for()
        cells = page.locator(".jp-CodeCell")
        run_cell(page, cells.nth(0))
        form = cells.nth(0).locator(".jp-OutputArea")
        level, button = form.get_by_label("level"), form.get_by_role("button", name="Run as report")
        expect(form.get_by_label("client")).to_have_value("other")
        level.fill("2")
        expect(form.get_by_role("alert")).to_contain_text("found 2.0; allowed: a number")
        expect(button).to_be_disabled()
        level.fill("0.9")
        expect(button).to_be_enabled()
        expect(form.get_by_role("alert")).to_have_count(0)
        button.click()
        # The kernel is free while the report is made: the cells below run, with what the form gives.
        for k in (1, 2, 3):
            run_cell(page, cells.nth(k))
        expect(cells.nth(3).locator(".jp-OutputArea-output")).to_contain_text("level 0.9")
        with context.expect_page() as opening:
            form.get_by_role("link", name="open the report").click()
        report = opening.value
        expect(report.get_by_role("heading", level=1)).to_have_text("¿Qué dicen?")
        assert "/files/reports/built/other-single/" in report.url
        assert report.locator("script, [class*=widget]").count() == 0
        assert away == []
        with tab(launched) as (file, heard):
            for path in sorted((root / "reports" / "built" / "other-single").glob("*.html")):
                file.goto(path.as_uri())
                opened(file)
                assert (file.evaluate(LAYOUT), file.evaluate(FAINT), heard) == ([], [], []), path.name
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{server}/api/contents", timeout=60)
    assert not [path.name for path in (root / "notebooks").glob("*.ipynb") if path.stem != "little"]


def is_here(url, server):
    return url.startswith((server, server.replace("http", "ws"), "data:", "blob:"))


def run_cell(page, cell):
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
