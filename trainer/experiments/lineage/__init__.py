"""Which base model a variant comes from (IV-E, Fig. 14)."""
