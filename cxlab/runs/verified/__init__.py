"""Whether a published run still is what it says: made again, or against what it released."""
