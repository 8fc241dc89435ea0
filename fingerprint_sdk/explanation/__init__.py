"""See why: what a fingerprint is taken from, and what a decision rests on."""

from fingerprint_sdk.explanation.evidence import Explanation, explain
from fingerprint_sdk.explanation.measure import high_pass
from fingerprint_sdk.explanation.view import ImageView

__all__ = ["Explanation", "ImageView", "explain", "high_pass"]
