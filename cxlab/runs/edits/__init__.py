"""The file of edits of a study (reports/edits/STUDY.yaml): read, begun, and merged with an annex."""

from cxlab.runs.edits.file import path_of, read_edits
from cxlab.runs.edits.kept import begin, take_over

__all__ = ["begin", "path_of", "read_edits", "take_over"]
