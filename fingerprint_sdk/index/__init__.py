"""Indexes: the fingerprints of many single images, to be searched for those like a probe."""

from fingerprint_sdk.index.index import Index
from fingerprint_sdk.index.names import file_stamp
from fingerprint_sdk.index.result import Match, SearchResult

__all__ = ["Index", "Match", "SearchResult", "file_stamp"]
