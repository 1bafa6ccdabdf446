"""The crash harness: whatever kills a run or refuses it a file, readers find the old page or the new one.

`python -m crash` (with tests/ on the path; `make crash`) kills warm runs at random moments, lets every
file-system event of a run be refused or be its last (of `cxlab run` itself: every so many), and kills
real notebook runs, while a reader polls.
After each, what is there must be whole (`invariants`), and running again must lead to exactly what an
undisturbed run gives (`model`). A writer that writes in place (`naive`) must fail it.
"""
