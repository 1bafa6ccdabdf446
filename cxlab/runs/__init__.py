"""Notebook times parameters to published run: study files, execution, atomic publication."""
