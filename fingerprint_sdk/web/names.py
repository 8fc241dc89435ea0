"""The names of uploads, read as they come in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Names:
    """Passes on an upload in parts, unless one of its files has no name.

    Gradio makes up a name for such a file, and fails at one of which nothing is left without what
    no name should have in it. A name needs a letter or digit.

    Args:
        receive: gives the request's body, message by message.
        content_type: the header of the request, which says where its parts end.

    Raises:
        ValueError: when called: the file has no name, or the parts are malformed. It is the error
            at which Gradio closes and deletes what it has of the upload.
    """

    def __init__(self, receive: Receive, content_type: str) -> None:
        from python_multipart.multipart import MultipartParser, parse_options_header

        self.receive = receive
        self._field, self._value = bytearray(), bytearray()
        _, options = parse_options_header(content_type)
        callbacks = {
            "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._check,
        }
        boundary = options.get(b"boundary")
        self._parser = None if boundary is None else MultipartParser(boundary, callbacks)  # type: ignore[arg-type]

    async def __call__(self) -> MutableMapping[str, Any]:
        message = await self.receive()
        if self._parser is not None and message["type"] == "http.request":
            self._parser.write(message.get("body", b""))
        return message

    def _check(self) -> None:
        from python_multipart.exceptions import MultipartParseError
        from python_multipart.multipart import parse_options_header

        field, value = bytes(self._field).lower(), bytes(self._value)
        self._field.clear()
        self._value.clear()
        if field != b"content-disposition":
            return
        _, options = parse_options_header(value)
        name = options.get(b"filename")
        if name is not None and not any(c.isalnum() for c in name.decode("utf-8", "ignore")):
            raise MultipartParseError("a file has no name: give it one")
