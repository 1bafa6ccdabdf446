"""Cells to rows of canonical tables: assigned, decoded, derived, excluded with a reason, stored."""
