"""A client's files to canonical tables, and what is held of them.

The way that data take: `files` (bytes to cells), `tables` (cells to rows), `rules` (what must hold),
`dataset` (the check that does it all, and the way back). Under all of them `privacy` and `declared`
(client.yaml and the canonical tables); beside them `proposals` (what undeclared files seem to be) and
`custody` (what is held of a client, told and deleted).
"""
