"""Photographs, and what happens to images between generator and analyst."""
