"""Where fingerprints lie: t-SNE maps of embeddings (Fig. 13)."""
