"""How every file of this project is written: whole or not at all, and on the disk.

The new content goes to a temporary file beside the old one and takes its place when it is complete
and synced, so that readers see the old file or the new one, and a crash leaves the old one. A
writer that is killed leaves its temporary file; the next writer in the folder removes it.

A file that is too large for that, and whose readers know how, grows at its end: see ``append``.
Where several may change a file, each reads, changes and writes it while it holds its lock: see
``locked``. Where several could make a file that takes long, one of them does: see ``claimed``.
"""

from fingerprint_sdk.files.delivery import check_delivery, delivering, is_stream
from fingerprint_sdk.files.growth import append, inode_of, start_after
from fingerprint_sdk.files.lock import LOCK_SECONDS, claimed, locked
from fingerprint_sdk.files.refusal import named, writing
from fingerprint_sdk.files.replacement import check_target, replacing, write_bytes, write_text

__all__ = [
    "LOCK_SECONDS",
    "append",
    "check_delivery",
    "check_target",
    "claimed",
    "delivering",
    "inode_of",
    "is_stream",
    "locked",
    "named",
    "replacing",
    "start_after",
    "write_bytes",
    "write_text",
    "writing",
]
