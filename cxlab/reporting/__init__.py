"""From results to what people read: sentences, figures, one self-contained page per report."""
