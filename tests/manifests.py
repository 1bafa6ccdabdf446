"""What every manifest.json must hold, as a JSON schema."""

from jsonschema import Draft202012Validator

SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
COUNT = {"type": "integer", "minimum": 0}
SECONDS = {"type": "number", "minimum": 0}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"}


def held(properties, *also):
    """An object with these keys and no other."""
    names = {"required": [*properties], "additionalProperties": bool(also)}
    return {"type": "object", "properties": properties, **names}


FILE = held(
    {
        "name": {"type": "string", "pattern": r"^[^/\\]+$"},  # never a place
        "sha256": SHA256, "bytes": {"type": ["integer", "null"]}, "read": COUNT, "used": COUNT,
    }
)  # fmt: skip
READ = {"table": {"type": "string"}, "sha256": SHA256, "rows": COUNT, "used": COUNT}
INPUT = held({**READ, "files": {"type": "array", "items": FILE}}, "until")
PRINTS = held(
    {
        "id": {"type": "string"}, "notebook": SHA256, "parameters": SHA256,
        "tables": {"type": "object", "additionalProperties": SHA256}, "facts": SHA256, "client": SHA256,
        "sources": SHA256, "versions": SHA256, "settled": {"type": "boolean"},
    }
)  # fmt: skip
MACHINE = held(
    {
        **{key: {"type": "string"} for key in ("system", "processor", "cpu", "libc")},
        "cpus": {"type": "integer", "minimum": 1}, "simd": {"type": "array"},
        "blas": held({key: {"type": "string"} for key in ("name", "version", "openblas configuration")}),
        "fonts": {"type": "object", "additionalProperties": SHA256, "minProperties": 2},
    }
)  # fmt: skip
MANIFEST = held(
    {
        "schema": {"const": 2}, "id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
        **{key: {"type": "string", "minLength": 1} for key in ("study", "entry", "notebook", "client")},
        "status": {"const": "done"}, "language": {"enum": ["es", "en"]}, "notebook_sha256": SHA256,
        "parameters": {"type": "object"}, "seed": {"type": "integer"},
        "inputs": {"type": "array", "items": INPUT, "minItems": 1}, "fingerprint": PRINTS,
        "told": {"type": "array", "items": held({"asked": {"type": "array"}, "bases": {"type": "array"}})},
        "versions": {"type": "object", "required": ["python", "numpy", "pandas", "papermill"]},
        "git": {"type": "object"}, "machine": MACHINE,
        "kernel": held({"kind": {"enum": ["forked", "started"]}}, "seconds, peak"),
        "started": TIME, "finished": TIME, "seconds": SECONDS,
        "cells": {"type": "object", "additionalProperties": SECONDS, "minProperties": 1},
        "outputs": {
            "type": "object", "required": ["report.html", "notebook.ipynb", "results.json"],
            "additionalProperties": held({"bytes": COUNT, "sha256": SHA256}),
        },
    },
    "sweep, choices",
)  # fmt: skip


def lacking(manifest):
    """Return what a manifest lacks, or has otherwise than it should."""
    return [f"{e.json_path}: {e.message}" for e in Draft202012Validator(MANIFEST).iter_errors(manifest)]
