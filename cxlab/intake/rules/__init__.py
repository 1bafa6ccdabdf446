"""What must hold: contracts of columns, the 26 rules of validity, and how each stands after a check."""
