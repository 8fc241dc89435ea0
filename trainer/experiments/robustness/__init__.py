"""What processing costs (Fig. 16)."""
