"""What a study's people are handed: files made of its published runs, kept by version."""
