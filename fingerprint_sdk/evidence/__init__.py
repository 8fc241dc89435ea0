"""From embeddings to an answer: what they share, what explains it, and what it amounts to."""
