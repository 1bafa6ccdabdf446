"""Tables to results: the statistics of customer experience, one module per question."""
