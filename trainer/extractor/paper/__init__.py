"""The paper's extractor: ResNet-50 on residual spectra, trained step by step (III-C)."""
