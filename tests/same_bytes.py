"""One study in many surroundings, and what of it comes out with other bytes: `make verify`, or a test.

Each surrounding is what differs between two days, two folders or two people who run the same thing: the
command is started anew in it, in a workbench of its own, and everything published is compared.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from cxlab.runs.publish import Shelf
from cxlab.runs.verified.differing import Place, first_place

PROJECT = Path(__file__).resolve().parents[1]
STUDY, SECONDS = "same", 900
Made = dict[str, dict[str, bytes]]

# Read by every Python that has it on its path: the command and its kernels live on another day. The types
# are patched in place, so that what C code makes of them is still of the same type.
OTHER_DAY = """\
import ctypes, datetime, gc, time
AHEAD = 417 * 86_400 + 5 * 3_600
clock, clock_ns = time.time, time.time_ns
broken_down = {name: getattr(time, name) for name in ("localtime", "gmtime", "ctime")}
strftime, stamped = time.strftime, datetime.datetime.fromtimestamp
time.time = lambda: clock() + AHEAD
time.time_ns = lambda: clock_ns() + AHEAD * 10**9
for name, of in broken_down.items():
    setattr(time, name, lambda seconds=None, of=of: of(time.time() if seconds is None else seconds))
time.strftime = lambda form, when=None: strftime(form, time.localtime() if when is None else when)
def patched(kind, **methods):
    gc.get_referents(kind.__dict__)[0].update({name: classmethod(own) for name, own in methods.items()})
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
utc = datetime.timezone.utc
patched(datetime.date, today=lambda kind: kind.fromtimestamp(time.time()))
patched(
    datetime.datetime,
    now=lambda kind, tz=None: kind.fromtimestamp(time.time(), tz),
    utcnow=lambda kind: kind.fromtimestamp(time.time(), utc).replace(tzinfo=None),
)
"""


COLD = (
    "from cxlab import cli; from cxlab.runs.warm import servers; servers.POSSIBLE = False; exit(cli.main())"
)


@dataclass(frozen=True)
class Surrounding:
    """What is other than at home.

    `alone` runs each entry by itself; `cold` gives every notebook a kernel that imports all anew;
    `another_day` puts the clock ahead; `folder` names the workbench; `options` are those of the command.
    """

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ("--workers", "1")
    folder: str = "mesa"
    umask: int = 0o022
    alone: bool = False
    another_day: bool = False
    cold: bool = False


HOME = Surrounding("home")
HOMES = ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
LANGUAGE = {"LC_ALL": "tr_TR.UTF-8", "LANG": "es_CL.UTF-8", "LANGUAGE": "de"}
SURROUNDINGS = (
    Surrounding("cold kernels", cold=True),
    Surrounding("two workers", options=("--workers", "2")),
    Surrounding("another day", {"SOURCE_DATE_EPOCH": "86400"}, another_day=True),
    Surrounding("time zone", {"TZ": "Pacific/Chatham"}),
    Surrounding("locale", LANGUAGE),
    Surrounding("no locale", {"LC_ALL": "C", "LANG": "C", "LANGUAGE": "", "PYTHONUTF8": "0"}),
    Surrounding("folder", folder='Mesa de análisis · ñandú/d\'acá & "allá" %20'),
    # A home that nobody can write, as of a service: nothing of a user's settings, no cache kept.
    Surrounding("home", {**dict.fromkeys(HOMES, "/dev/null/home"), "TMPDIR": "{base}/tmp é"}),
    Surrounding(
        "threads, seed, mask", {**dict.fromkeys(THREADS, "2"), "PYTHONHASHSEED": "4711"}, umask=0o077
    ),
    Surrounding("alone", alone=True),
)
EVERYTHING = Surrounding(
    "everything at once",
    {name: value for each in SURROUNDINGS for name, value in each.environment.items()},
    options=("--workers", "2"),
    folder=SURROUNDINGS[6].folder,
    umask=0o077,
    alone=True,
    another_day=True,
    cold=True,
)


def made(study: Mapping, data: Path, surrounding: Surrounding, base: Path) -> Made:
    """Run a study in a surrounding, in a folder of its own; return the files of each entry by name.

    Parameters
    ----------
    study : mapping
        As a study file says it.
    data : Path
        The folder of its client, with tables.
    surrounding : Surrounding
    base : Path
        Where its workbench is made; it must not exist.
    """
    root = base / surrounding.folder
    root.mkdir(parents=True)
    shutil.copytree(PROJECT / "notebooks", root / "notebooks")
    shutil.copytree(data, root / "data" / data.name)
    file = root / "reports" / f"{STUDY}.yaml"
    file.parent.mkdir()
    for entries in _parts(study["entries"]) if surrounding.alone else [study["entries"]]:
        file.write_text(yaml.safe_dump({**study, "entries": entries}, allow_unicode=True), encoding="utf-8")
        command = ["run", str(file), "--root", str(root), *surrounding.options]
        _run([*(["-c", COLD] if surrounding.cold else ["-m", "cxlab"]), *command], surrounding, base)
    return published(root / "reports" / "built" / STUDY)


def _parts(entries: Mapping) -> list[dict]:
    """Return each entry by itself, with the one that it reads."""
    read = {each.get("after", "") for each in entries.values()}
    parts = [{name: each} for name, each in entries.items() if name not in read]
    return [
        {**{key: entries[key] for each in part.values() if (key := each.get("after"))}, **part}
        for part in parts
    ]


def built(client: str, surrounding: Surrounding, base: Path) -> Path:
    """Build a demo client and take it through intake in a surrounding; return its folder.

    The key of its pseudonyms needs a home that can be written.
    """
    kept = {name: text for name, text in surrounding.environment.items() if name not in HOMES}
    surrounding = replace(surrounding, environment=kept)
    root = base / surrounding.folder
    for folder in ("notebooks", "data"):
        (root / folder).mkdir(parents=True)
    code = "import sys; from cxlab import demo; demo.build(sys.argv[1], sys.argv[2:])"
    _run(["-c", code, str(root), client], surrounding, base)
    _run(["-m", "cxlab", "check", client, "--root", str(root)], surrounding, base)
    return root / "data" / client


def table_hashes(data: Path) -> dict[str, tuple[str, str]]:
    """Return the hashes of a client's tables: of their content, and of their files."""
    said = json.loads((data / "tables" / "tables.json").read_text(encoding="utf-8"))
    return {name: (table["sha256"], table["file_sha256"]) for name, table in said["tables"].items()}


def _run(arguments: Sequence[str], surrounding: Surrounding, base: Path) -> None:
    environment = {**os.environ, "CXLAB_LANGUAGE": "en", "XDG_CONFIG_HOME": str(base / "config")}
    environment |= {name: text.format(base=base) for name, text in surrounding.environment.items()}
    for folder in (environment["XDG_CONFIG_HOME"], environment.get("TMPDIR", "")):
        if folder.startswith(str(base)):
            Path(folder).mkdir(exist_ok=True, mode=0o700)
    path = [str(PROJECT)]
    if surrounding.another_day:
        (base / "day").mkdir(exist_ok=True)
        (base / "day" / "sitecustomize.py").write_text(OTHER_DAY)
        path.insert(0, str(base / "day"))
    environment["PYTHONPATH"] = os.pathsep.join(path)
    posix = {"umask": surrounding.umask} if os.name == "posix" else {}
    ran = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=base, capture_output=True, text=True,
        errors="replace", timeout=SECONDS, **posix,
    )  # fmt: skip
    assert ran.returncode == 0, f"{surrounding.name}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}"


def published(study: Path) -> Made:
    """Return the files of each entry's run (not manifest.json, which holds times) and its page."""
    files: Made = {}
    for entry, name in Shelf(study).current().items():
        run = study / "runs" / name
        found = {path.relative_to(run).as_posix(): path for path in run.rglob("*") if path.is_file()}
        files[entry] = {each: path.read_bytes() for each, path in found.items() if each != "manifest.json"}
        files[entry]["the page"] = (study / f"{entry}.html").read_bytes()
    return files


def differences(home: Made, other: Made) -> dict[str, Place]:
    """Return for each entry that came out with other bytes where it parts first."""
    places = {name: first_place(home.get(name, {}), other.get(name, {})) for name in {*home, *other}}
    return {name: place for name, place in places.items() if place is not None}


def shipped() -> dict:
    """Return the study of the demo client with one point of each grid, two of one that is read.

    An entry that reads several reads the first of them.
    """
    study = yaml.safe_load((PROJECT / "reports" / "fibra_cordillera.yaml").read_text(encoding="utf-8"))
    for entry in study["entries"].values():
        if isinstance(entry.get("after"), list):
            entry["after"] = entry["after"][0]
    read = {entry.get("after", "") for entry in study["entries"].values()}
    for name, entry in study["entries"].items():
        for key, values in entry.get("grid", {}).items():
            entry["grid"][key] = values[: 2 if name in read and key == next(iter(entry["grid"])) else 1]
    return study


def main() -> int:
    """Run every shipped notebook in every surrounding; print notebook by surrounding, and what differs."""
    study = shipped()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        base = Path(folder)
        data = built(study["client"], HOME, base / "built")
        again = pool.submit(built, study["client"], EVERYTHING, base / "again")
        every = (HOME, *SURROUNDINGS)
        runs = [pool.submit(made, study, data, each, base / str(k)) for k, each in enumerate(every)]
        home, found = runs[0].result(), []
        _tell("", (name[-11:] for name in home))
        for each, run in zip(SURROUNDINGS, runs[1:], strict=True):
            apart = differences(home, run.result())
            _tell(each.name, ("DIFFERS" if name in apart else "same" for name in home))
            found += [f"{each.name}: {name}: {place}" for name, place in apart.items()]
        tables, rebuilt = table_hashes(data), table_hashes(again.result())
        _tell("tables, built again", ["same" if tables == rebuilt else "DIFFERS"])
        found += [f"table {name}, built again" for name in tables if tables[name] != rebuilt.get(name)]
    sys.stdout.writelines(f"{each}\n" for each in found)
    return 1 if found else 0


def _tell(name: str, marks: Iterable[str]) -> None:
    sys.stdout.write(f"{name:<22}" + "".join(f"{mark:>12}" for mark in marks) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
