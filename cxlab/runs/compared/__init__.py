"""What moved between two published runs, and why: numbers, conclusions, rows, causes."""
