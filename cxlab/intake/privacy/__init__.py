"""Whose data they are: identifiers told from how they are written, pseudonyms, cells emptied."""
