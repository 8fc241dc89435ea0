"""The laboratory: every figure and table of the paper as a page (III-A, IV-B to IV-E)."""
