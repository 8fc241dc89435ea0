"""A real HTTP server on loopback that speaks the protocols of the Hugging Face Hub.

Small files are served by the Hub itself; large kinds are answered, as on the real Hub, with
a redirect to a storage host (a second port) that serves them by content and accepts ranges.
Uploads are in ``hub_uploads``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from pathlib import Path
from typing import Any

from support import hub_uploads

_RESOLVE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<file>.+)")
_INFO = re.compile(r"/api/models/(?P<repo>[^/]+/[^/]+)(/revision/(?P<revision>[^/]+))?")
_TREE = re.compile(r"/api/models/(?P<repo>[^/]+/[^/]+)/tree/(?P<revision>[^/?]+)")


@dataclass
class Repo:
    """Commits (hash -> file name -> content) and the branches and tags that point at them."""

    commits: dict[str, dict[str, bytes]]
    refs: dict[str, str]
    private: bool = False


@dataclass
class Hub:
    """What the server serves, and the log of what it was asked: ``"METHOD /path"``."""

    repos: dict[str, Repo] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    drop_next_blob_after: int | None = None
    token: str = "hf_secret"
    uploaded: list[bytes] = field(default_factory=list)
    endpoint: str = ""
    storage: str = ""

    def publish(self, repo_id: str, files: dict[str, bytes], ref: str = "main") -> str:
        """Add a commit with ``files``, move ``ref`` to it and return its hash."""
        repo = self.repos.setdefault(repo_id, Repo({}, {}))
        history = f"{repo_id} {len(repo.commits)}"
        commit = hashlib.sha1(history.encode()).hexdigest()
        repo.commits[commit] = dict(files)
        repo.refs[ref] = commit
        return commit

    def blob(self, sha256: str) -> bytes | None:
        files = (f for r in self.repos.values() for f in r.commits.values())
        contents = chain(self.uploaded, *(f.values() for f in files))
        return next((c for c in contents if hashlib.sha256(c).hexdigest() == sha256), None)


@contextmanager
def serve() -> Iterator[Hub]:
    """Run the Hub and its storage host on free loopback ports."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
    hub.endpoint, hub.storage = (f"http://127.0.0.1:{s.server_port}" for s in servers)
    threads = [threading.Thread(target=s.serve_forever, args=(0.05,)) for s in servers]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


def client_environment(hub: Hub, home: Path) -> dict[str, str]:
    """The environment of a process that is to use this Hub, with its cache in ``home``."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "TRANSFORMERS_"))}
    return clean | {
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
    }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.hub.requests.append(f"POST {self.path}")
        hub_uploads.answer(self)

    def do_PUT(self) -> None:
        self.hub.requests.append(f"PUT {self.path}")
        hub_uploads.answer(self)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        self.hub.requests.append(f"{self.command} {self.path}")
        if self.path.startswith("/blobs/"):
            self._blob(self.path.removeprefix("/blobs/"))
        elif match := _RESOLVE.fullmatch(self.path):
            self._resolve(**match.groupdict())
        elif match := _TREE.match(self.path):
            self._tree(**match.groupdict())
        elif hub_uploads.XET_TOKEN.fullmatch(self.path):
            hub_uploads.xet_token(self)
        elif match := _INFO.match(self.path):
            self._info(**match.groupdict())
        else:
            self._send(404, b"")

    def _commit(self, repo: str, revision: str | None) -> str | None:
        """The commit asked for, or None after the error has been sent."""
        found = self.hub.repos.get(repo)
        if found is None:
            self._send(401, b"", {"X-Error-Code": "RepoNotFound"})
            return None
        revision = revision or "main"
        commit = found.refs.get(revision, revision)
        if commit not in found.commits:
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"})
            return None
        return commit

    def _resolve(self, repo: str, revision: str, file: str) -> None:
        commit = self._commit(repo, revision)
        if commit is None:
            return
        headers = {"X-Repo-Commit": commit}
        content = self.hub.repos[repo].commits[commit].get(file)
        if content is None:
            self._send(404, b"", headers | {"X-Error-Code": "EntryNotFound"})
        elif file.endswith(hub_uploads.LARGE):
            sha256 = hashlib.sha256(content).hexdigest()
            headers |= {
                "X-Linked-Etag": f'"{sha256}"',
                "X-Linked-Size": str(len(content)),
                "Location": f"{self.hub.storage}/blobs/{sha256}",
            }
            self._send(302, b"", headers)
        else:
            self._send(200, content, headers | {"ETag": f'"{hub_uploads.git_hash(content)}"'})

    def _blob(self, sha256: str) -> None:
        content = self.hub.blob(sha256)
        if content is None:
            self._send(404, b"")
            return
        wanted = self.headers.get("Range")
        if wanted is None:
            self._send(200, content, {"Accept-Ranges": "bytes"})
            return
        self.hub.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").split("-")[0])
        where = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._send(206, content[start:], {"Content-Range": where})

    def _info(self, repo: str, revision: str | None) -> None:
        commit = self._commit(repo, revision)
        if commit is not None:
            files = [{"rfilename": name} for name in self.hub.repos[repo].commits[commit]]
            body = {"id": repo, "modelId": repo, "sha": commit, "siblings": files, "tags": []}
            body["private"] = self.hub.repos[repo].private
            self._send(200, json.dumps(body).encode(), {"X-Repo-Commit": commit})

    def _tree(self, repo: str, revision: str) -> None:
        commit = self._commit(repo, revision)
        if commit is not None:
            files = self.hub.repos[repo].commits[commit].items()
            body = [
                {"type": "file", "path": name, "size": len(content), "oid": commit}
                for name, content in files
            ]
            self._send(200, json.dumps(body).encode(), {"X-Repo-Commit": commit})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        drop = self.hub.drop_next_blob_after
        if drop is not None and self.path.startswith("/blobs/"):
            self.hub.drop_next_blob_after = None
            self.wfile.write(body[:drop])
            self.close_connection = True  # the client was promised more: a broken transfer
        else:
            self.wfile.write(body)
