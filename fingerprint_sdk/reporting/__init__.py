"""A report to attach: the question, the answer with its error rates, and all that it rests on."""

from fingerprint_sdk.reporting.compose import report
from fingerprint_sdk.reporting.document import Probe, Report
from fingerprint_sdk.reporting.sources import ReportedFile, SearchedGallery

__all__ = ["Probe", "Report", "ReportedFile", "SearchedGallery", "report"]
