"""Programs are killed at random moments: what they leave opens, and what they said is there."""
