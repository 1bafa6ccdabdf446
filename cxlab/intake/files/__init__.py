"""A file to cells: columns of text that know their line, read strictly and within limits."""
