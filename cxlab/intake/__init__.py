"""A client's files to canonical tables: readers, mapping, contracts, privacy, dataset."""
