"""The PDF of a study, by WeasyPrint: tagged (PDF/UA), its fonts within it, the same bytes for the same runs.

Chromium is an option. Nothing is fetched: a document holds all that it shows. Dates and identifiers come
from the data.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cxlab.errors import WorkbenchError
from cxlab.reporting.printed import Paper, document

if TYPE_CHECKING:
    from cxlab.reporting.volume import Volume

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer",
)  # fmt: skip
PRINTING = 600.0  # seconds
PRINTED_AT = re.compile(rb"(/(?:CreationDate|ModDate) \(D:)([^)]*)")
PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-liberation fonts-dejavu-core"


def pdf(volume: Volume, *, paper: Paper | None = None) -> bytes:
    """Return a study as one PDF: cover, contents with page numbers, a chapter for each report.

    Parameters
    ----------
    volume : Volume
    paper : {"A4", "Letter"}, optional
        Without it, the client's.

    Raises
    ------
    WorkbenchError
        If this machine lacks the libraries that WeasyPrint stands on; it says how to get them.
    """
    return printed(document(volume, paper=paper))


def printed(html: str) -> bytes:
    """Return an HTML document as a tagged PDF.

    Raises
    ------
    WorkbenchError
        As `pdf`.
    """
    weasyprint = _weasyprint()
    nowhere = weasyprint.urls.URLFetcher(allowed_protocols=["data"], allow_redirects=False)
    pages = weasyprint.HTML(string=html, url_fetcher=nowhere).render()
    made: bytes = pages.write_pdf(
        finisher=_numbered,
        pdf_variant="pdf/ua-1",
        pdf_identifier=sha256(html.encode()).hexdigest()[:32].encode(),
    )
    return made


def by_browser(volume: Volume, *, paper: Paper | None = None) -> bytes:
    """Return the study as `pdf` does, printed by the Chromium of this machine: contents without page numbers.

    Raises
    ------
    WorkbenchError
        If this machine has no Chromium, or it did not print.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise WorkbenchError(
            "the PDF was not made: this machine has no Chromium ({names})", names=", ".join(BROWSERS)
        )
    with TemporaryDirectory(prefix="cxlab-print-") as folder:
        page, out = Path(folder) / "study.html", Path(folder) / "study.pdf"
        page.write_text(document(volume, paper=paper), encoding="utf-8")
        given = [*QUIET, f"--user-data-dir={folder}/user", f"--print-to-pdf={out}", page.as_uri()]
        if hasattr(os, "getuid") and not os.getuid():
            given.insert(0, "--no-sandbox")  # which it refuses to leave out for the superuser
        try:
            subprocess.run([browser, *given], capture_output=True, timeout=PRINTING, check=True)
            made = out.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise WorkbenchError(
                "the PDF was not made: {browser} did not print it ({reason})",
                browser=browser,
                reason=str(error).splitlines()[0],
            ) from error
    return PRINTED_AT.sub(lambda found: found[1] + re.sub(rb"\d", b"0", found[2]), made)


def _weasyprint() -> Any:
    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # it warns of every property that is SVG's
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # what it prints of a missing library is said below
            import weasyprint
    except (ImportError, OSError) as error:
        raise WorkbenchError(
            "the PDF was not made: this machine lacks libraries of WeasyPrint (on Debian or Ubuntu: "
            "apt-get install {packages}); the rest is made without them",
            packages=PACKAGES,
        ) from error
    return weasyprint


def _numbered(_pages: Any, made: Any) -> None:
    """Label the pages as their feet do, and let a reader's window bear the title: PDF/UA asks for it."""
    import pydyf

    decimal = pydyf.Dictionary({"S": "/D"})
    made.catalog["PageLabels"] = pydyf.Dictionary({"Nums": pydyf.Array([0, decimal])})
    made.catalog["ViewerPreferences"] = pydyf.Dictionary({"DisplayDocTitle": "true"})
