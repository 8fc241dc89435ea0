"""What image files say of themselves, apart from what is measured, and never mixed into it."""

from fingerprint_sdk.declaration.agreement import Agreement, compare
from fingerprint_sdk.declaration.c2pa import Credentials
from fingerprint_sdk.declaration.declaration import Declaration, declared
from fingerprint_sdk.declaration.statement import Statement

__all__ = ["Agreement", "Credentials", "Declaration", "Statement", "compare", "declared"]
