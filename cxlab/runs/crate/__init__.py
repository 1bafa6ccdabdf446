"""Published runs as a research object that others can read: an RO-Crate, with all but the data.

`packed` gathers the files of a crate, `metadata` describes them as JSON-LD, `methods` and `codebook` tell
people what was done and what the columns are, `door` looks once more at what may never leave, `written`
puts it into a folder or a zip file. The same runs give the same bytes.
"""
