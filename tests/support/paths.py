"""Where things lie: the repository, and what lies beside it and may be absent."""

from pathlib import Path

import fingerprint_sdk

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
EVAL = SHARED / "eval"
INSTALLED = Path(fingerprint_sdk.__file__).parents[1]
"""What is tested is imported from here: the repository, or where a wheel was installed."""
