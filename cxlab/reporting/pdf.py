"""The PDF of a study, by WeasyPrint: tagged (PDF/UA), its fonts within it, the same bytes for the same runs.

Nothing is fetched: a document holds all that it shows. Dates and identifiers come from the data.
"""

from __future__ import annotations

import contextlib
import io
import logging
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from cxlab.errors import WorkbenchError
from cxlab.reporting.printed import Paper, document

if TYPE_CHECKING:
    from cxlab.reporting.volume import Volume

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
