"""The shipped extractor: linear discriminants on five parts of a signal."""
