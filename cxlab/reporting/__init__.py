"""From results to what people read: sentences, figures, one self-contained page per report."""

RESULT = "application/vnd.cxlab.result.v1+json"  # what a display says as data, beside what it shows
