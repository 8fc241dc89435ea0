"""The upload protocol of the Hub, for ``hub_server``: repositories, branches, LFS and commits.

As on the real Hub, small files come within the commit, and the large kinds go to the storage
host first: the client asks which is which, then asks where to put the large ones. With Xet it gets
a token for the storage instead, and sends chunks there, many in one "xorb".
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from support.hub_server import Hub, _Handler

_BRANCH = re.compile(r"/api/models/([^/]+/[^/]+)/branch/([^/]+)")
_PREUPLOAD = re.compile(r"/api/models/([^/]+/[^/]+)/preupload/([^/?]+)")
_COMMIT = re.compile(r"/api/models/([^/]+/[^/]+)/commit/([^/?]+)")
_LFS = re.compile(r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch")
XET_TOKEN = re.compile(r"/api/models/[^/]+/[^/]+/xet-write-token/[^/?]+")
_EXPIRES = 4102444800  # the year 2100
LARGE = (".onnx", ".safetensors")


def git_hash(content: bytes) -> str:
    """What git calls a file of this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def answer(handler: _Handler) -> None:
    """Answer a POST or a PUT."""
    hub, path, body = handler.hub, handler.path, _body(handler)
    if handler.command == "PUT" and path.startswith("/uploads/"):
        # The address is what authorises, as of a signed one: no token is sent to the storage.
        whole = hashlib.sha256(body).hexdigest() == path.removeprefix("/uploads/")
        if whole:
            hub.uploaded.append(body)
        handler._send(200 if whole else 400, b"")
    elif path.startswith(("/v1/", "/v2/")):
        _xet(handler, body)
    elif path == "/api/validate-yaml":
        _json(handler, {"errors": [], "warnings": []})
    elif handler.headers.get("Authorization") != f"Bearer {hub.token}":
        _json(handler, {"error": "Invalid credentials"}, 401)
    elif path == "/api/repos/create":
        _create(handler, json.loads(body))
    elif match := _BRANCH.fullmatch(path):
        _branch(handler, *match.groups())
    elif match := _PREUPLOAD.fullmatch(path):
        _preupload(handler, *match.groups(), json.loads(body))
    elif _LFS.fullmatch(path):
        _json(handler, {"transfer": "basic", "objects": _where(hub, json.loads(body))})
    elif match := _COMMIT.fullmatch(path):
        _commit(handler, *match.groups(), [json.loads(line) for line in body.splitlines()])
    else:
        handler._send(404, b"")


def _create(handler: _Handler, wanted: dict[str, Any]) -> None:
    hub = handler.hub
    repo_id = f"{wanted['organization']}/{wanted['name']}"
    body = {"url": f"{hub.endpoint}/{repo_id}", "name": repo_id, "id": repo_id}
    if repo_id in hub.repos:
        _json(handler, body | {"error": "You already created this model repo"}, 409)
        return
    hub.publish(repo_id, {".gitattributes": b"*.onnx filter=lfs diff=lfs merge=lfs -text\n"})
    hub.repos[repo_id].private = wanted.get("private") or wanted.get("visibility") == "private"
    _json(handler, body)


def _branch(handler: _Handler, repo_id: str, branch: str) -> None:
    refs = handler.hub.repos[repo_id].refs
    if branch in refs:
        _json(handler, {"error": "Reference already exists"}, 409)
        return
    refs[branch] = refs["main"]
    _json(handler, {})


def _preupload(handler: _Handler, repo_id: str, revision: str, wanted: dict[str, Any]) -> None:
    repo = handler.hub.repos[repo_id]
    present = repo.commits[repo.refs[revision]]
    files = []
    for file in wanted["files"]:
        path, large = file["path"], file["path"].endswith(LARGE)
        oid = None
        if path in present:
            content = present[path]
            oid = hashlib.sha256(content).hexdigest() if large else git_hash(content)
        mode = "lfs" if large else "regular"
        files.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    _json(handler, {"files": files})


def _where(hub: Hub, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """Where each large file goes; nowhere if the storage has its content already."""
    objects = []
    for item in wanted["objects"]:
        to = {"actions": {"upload": {"href": f"{hub.storage}/uploads/{item['oid']}"}}}
        objects.append(item if hub.blob(item["oid"]) is not None else item | to)
    return objects


def xet_token(handler: _Handler) -> None:
    """Where the chunks go, and what opens it."""
    answer = {"casUrl": handler.hub.storage, "exp": _EXPIRES, "accessToken": "xet_secret"}
    _json(handler, answer)


def _xet(handler: _Handler, body: bytes) -> None:
    """The storage of Xet, as far as new content needs it; the rest is not found."""
    if handler.headers.get("Authorization") != "Bearer xet_secret":
        _json(handler, {"error": "Invalid credentials"}, 401)
    elif handler.path.startswith("/v1/xorbs/"):
        handler.hub.uploaded.append(_unpacked(body))
        _json(handler, {"was_inserted": True})
    elif handler.path == "/v1/shards":  # says which chunks make a file: here, those of a xorb
        _json(handler, {"result": 1})
    else:
        handler._send(404, b"")


def _unpacked(xorb: bytes) -> bytes:
    """The chunks of a xorb, joined. Only chunks stored as they are: send noise."""
    content, place = b"", 0
    while place < len(xorb):
        version, scheme = xorb[place], xorb[place + 4]
        size = int.from_bytes(xorb[place + 1 : place + 4], "little")
        assert (version, scheme) == (0, 0), "another version, or a compressed chunk"
        content += xorb[place + 8 : place + 8 + size]
        place += 8 + size
    return content


def _commit(handler: _Handler, repo_id: str, revision: str, lines: list[dict[str, Any]]) -> None:
    hub = handler.hub
    repo = hub.repos[repo_id]
    files = dict(repo.commits[repo.refs[revision]])
    for line in lines:
        value = cast("dict[str, Any]", line["value"])
        if line["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile":
            content = hub.blob(value["oid"])
            if content is None:
                _json(handler, {"error": "LFS pointer to a file that does not exist"}, 400)
                return
            files[value["path"]] = content
    commit = hub.publish(repo_id, files, revision)
    url = f"{hub.endpoint}/{repo_id}/commit/{commit}"
    _json(handler, {"success": True, "commitOid": commit, "commitUrl": url})


def _body(handler: _Handler) -> bytes:
    if handler.headers.get("Transfer-Encoding") != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    parts = []
    while size := int(handler.rfile.readline(), 16):
        parts.append(handler.rfile.read(size))
        handler.rfile.readline()
    handler.rfile.readline()
    return b"".join(parts)


def _json(handler: _Handler, body: object, status: int = 200) -> None:
    handler._send(status, json.dumps(body).encode(), {"Content-Type": "application/json"})
