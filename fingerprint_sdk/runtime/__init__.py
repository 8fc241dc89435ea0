"""ONNX Runtime: opening a model on the device that was asked for, and on no other."""

from fingerprint_sdk.runtime.session import Device, Session, open_session

__all__ = ["Device", "Session", "open_session"]
