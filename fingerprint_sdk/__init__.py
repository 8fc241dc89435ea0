"""Which generative model made this image? Zero-shot model fingerprints."""
