"""A report to attach: the question, the answer with its error rates, and all that it rests on."""

from fingerprint_sdk.reporting.compose import report
from fingerprint_sdk.reporting.document import Report
from fingerprint_sdk.reporting.probe import Origin, Probe
from fingerprint_sdk.reporting.sources import ReportedFile, SearchedGallery

__all__ = ["Origin", "Probe", "Report", "ReportedFile", "SearchedGallery", "report"]
