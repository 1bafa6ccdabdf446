"""The control: a writer that writes in place, as a first draft would. The harness must catch it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cxlab.runs.outputs import as_json
from cxlab.runs.provenance import digest
from cxlab.runs.publish import Shelf


class Naive(Shelf):
    """Writes every file where it will be read."""

    def publish(self, entry, run, files, manifest):
        outputs = {name: {"bytes": len(c), "sha256": digest(c)} for name, c in sorted(files.items())}
        content = {**files, "manifest.json": as_json({**manifest, "outputs": outputs})}
        for name, each in content.items():
            self.replace(f"runs/{run}/{name}", each)
        return run

    def show(self, entry, run, page):
        self.replace(f"{entry}.html", page)
        self.replace(f"current/{entry}.json", as_json({"entry": entry, "run": run}))
        shutil.rmtree(self.folder / "failed" / entry, ignore_errors=True)
        return self.folder / f"{entry}.html"

    def fail(self, entry, files):
        for name, each in files.items():
            self.replace(f"failed/{entry}/{name}", each)
        return self.folder / "failed" / entry

    def replace(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:
            stream.write(content)

    def drop(self, name, *, why="dropped"):
        shutil.rmtree(self.folder / name, ignore_errors=True)


@contextmanager
def naive(root: Path, study: str) -> Iterator[Naive]:
    folder = root / "reports" / "built" / study
    folder.mkdir(parents=True, exist_ok=True)
    yield Naive(folder)
