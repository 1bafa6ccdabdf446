"""What is declared: the model of client.yaml, its strict reading and rewriting, the canonical tables."""
