"""A server on the loopback address that speaks the part of the Hugging Face Hub's HTTP in use."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from flask import Flask, Response, jsonify, redirect, request
from werkzeug.serving import make_server

#: Who may read what is private, and write to ``owner/...``; another token may only read.
OWNER, READER = "hf_owner", "hf_reader"


@dataclass
class Repository:
    """Commits from the first to the last, each of which is all files by path.

    Args:
        commits: of the branch ``main``.
        tags: names of commits by their place.
        private: whether only the owner sees it.
        gated: whether nobody's token fetches files.
    """

    commits: list[dict[str, bytes]] = field(default_factory=lambda: [{}])
    tags: dict[str, int] = field(default_factory=dict)
    private: bool = False
    gated: bool = False

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[-1]

    def add(self, files: dict[str, bytes]) -> None:
        self.commits.append(self.files | files)

    def find(self, revision: str) -> int | None:
        names = {sha(at): at for at in range(len(self.commits))} | self.tags
        return names.get(revision, len(self.commits) - 1 if revision == "main" else None)


def sha(commit: int) -> str:
    return hashlib.sha1(b"commit %d" % commit).hexdigest()


def is_lfs(path: str) -> bool:
    return path.endswith((".safetensors", ".jpg"))


def digest(path: str, content: bytes) -> str:
    """As the Hub's ETag."""
    if is_lfs(path):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Hub:
    """The server, and what it holds.

    Args:
        repositories: by ``owner/name``.
        claims: headers of files in place of the true ones.
        damage: what is done to the content of files on their way.
        breaks: how often the connection ends in the middle of a file.
        status: in place of any answer.
        seconds: before any answer.
        requests: method and path of each.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.claims: dict[str, str] = {}
        self.damage: Callable[[bytes], bytes] = bytes
        self.breaks = 0
        self.status: int | None = None
        self.seconds = 0.0
        self.requests: list[str] = []
        self._objects: dict[str, bytes] = {}
        self._server = make_server("127.0.0.1", 0, self._app(), threaded=True)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _app(self) -> Flask:
        app = Flask("hub")
        app.before_request(self._before)
        app.add_url_rule("/api/models/<o>/<n>", view_func=self._info)
        app.add_url_rule("/api/models/<o>/<n>/revision/<path:revision>", view_func=self._info)
        app.add_url_rule("/<o>/<n>/resolve/<path:_>", view_func=self._resolve)
        app.add_url_rule("/objects/<oid>", view_func=self._fetch)
        app.add_url_rule("/objects/<oid>", view_func=self._store, methods=["PUT"])
        post: dict[str, Any] = {"methods": ["POST"]}
        app.add_url_rule("/api/repos/create", view_func=self._create, **post)
        app.add_url_rule("/api/validate-yaml", view_func=self._validate, **post)
        app.add_url_rule("/api/models/<o>/<n>/preupload/main", view_func=self._preupload, **post)
        app.add_url_rule("/<o>/<n>.git/info/lfs/objects/batch", view_func=self._batch, **post)
        app.add_url_rule("/api/models/<o>/<n>/commit/main", view_func=self._commit, **post)
        return app

    def _before(self) -> Response | None:
        self.requests.append(f"{request.method} {request.path}")
        time.sleep(self.seconds)
        return Response(status=self.status) if self.status else None

    @property
    def _token(self) -> str:
        return request.headers.get("Authorization", "").removeprefix("Bearer ")

    def _find(self, o: str, n: str, revision: str) -> tuple[Repository, int] | Response:
        if self._token not in ("", OWNER, READER):
            said = {"X-Error-Message": "Invalid credentials in Authorization header"}
            return Response(status=401, headers=said)
        repository = self.repositories.get(f"{o}/{n}")
        if repository is None or (repository.private and self._token != OWNER):
            # The Hub leaves the code out with 401, but by https it is taken for this one.
            status = 404 if self._token else 401
            return Response(status=status, headers={"X-Error-Code": "RepoNotFound"})
        commit = repository.find(revision)
        if commit is None:
            return Response(status=404, headers={"X-Error-Code": "RevisionNotFound"})
        return repository, commit

    def _info(self, o: str, n: str, revision: str = "main") -> Response:
        found = self._find(o, n, revision)
        if isinstance(found, Response):
            return found
        repository, commit = found
        return jsonify(
            id=f"{o}/{n}",
            sha=sha(commit),
            private=repository.private,
            siblings=[{"rfilename": file} for file in repository.commits[commit]],
        )

    def _resolve(self, o: str, n: str, _: str) -> Response:
        # Slashes of a revision are told from others only before they are decoded.
        revision, file = request.environ["RAW_URI"].split("/", 5)[4:]
        file = unquote(file)
        found = self._find(o, n, unquote(revision))
        if isinstance(found, Response):
            return found
        repository, commit = found
        head = {"X-Repo-Commit": sha(commit)}
        if repository.gated:
            return Response(status=403, headers={"X-Error-Code": "GatedRepo"})
        if file not in repository.commits[commit]:
            return Response(status=404, headers=head | {"X-Error-Code": "EntryNotFound"})
        content = repository.commits[commit][file]
        etag = digest(file, content)
        if not is_lfs(file):
            return Response(self.damage(content), headers=head | {"ETag": f'"{etag}"'})
        self._objects[etag] = content
        head |= {"X-Linked-ETag": f'"{etag}"', "X-Linked-Size": str(len(content))} | self.claims
        # Content is elsewhere, where a token must not be sent.
        answer = redirect(f"{self.address}/objects/{etag}".replace("127.0.0.1", "localhost"))
        answer.headers.extend(head)
        assert isinstance(answer, Response)
        return answer

    def _fetch(self, oid: str) -> Response:
        assert not self._token
        content = self.damage(self._objects[oid])
        start = int(request.headers.get("Range", "bytes=0-")[6:].partition("-")[0])
        rest = content[start:]
        head = {"Content-Length": str(len(rest))}
        if start:
            head["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return Response(self._sent(rest), 206 if start else 200, headers=head)

    def _sent(self, content: bytes) -> Iterator[bytes]:
        if self.breaks:
            self.breaks -= 1
            yield content[: len(content) // 2]
            raise ConnectionResetError
        yield content

    def _create(self) -> Response:
        wish = request.get_json()
        name = f"{wish['organization']}/{wish['name']}"
        if self._token != OWNER or wish["organization"] != "owner":
            return Response(status=403, headers={"X-Error-Message": "You don't have the rights"})
        if name in self.repositories:
            return Response(json.dumps({"url": f"{self.address}/{name}"}), status=409)
        self.repositories[name] = Repository(private=wish.get("visibility") == "private")
        return jsonify(url=f"{self.address}/{name}")

    def _validate(self) -> Response:
        content = request.get_json()["content"]
        assert content.startswith("---\n")
        if "license: nonsense" in content:
            errors = [{"message": '"license" must be one of [...]'}]
            return Response(json.dumps({"errors": errors}), status=400)
        return jsonify(warnings=[], errors=[])

    def _preupload(self, o: str, n: str) -> Response:
        there = self.repositories[f"{o}/{n}"].files
        return jsonify(
            files=[
                {
                    "path": each["path"],
                    "uploadMode": "lfs" if is_lfs(each["path"]) else "regular",
                    "shouldIgnore": False,
                    "oid": digest(each["path"], there[each["path"]])
                    if each["path"] in there
                    else None,
                }
                for each in request.get_json()["files"]
            ]
        )

    def _batch(self, o: str, n: str) -> Response:
        del o, n
        objects = request.get_json()["objects"]
        for each in objects:
            each["actions"] = {"upload": {"href": f"{self.address}/objects/{each['oid']}"}}
        return jsonify(transfer="basic", objects=objects)

    def _store(self, oid: str) -> Response:
        content = request.get_data()
        assert hashlib.sha256(content).hexdigest() == oid
        self._objects[oid] = content
        return Response()

    def _commit(self, o: str, n: str) -> Response:
        if self._token != OWNER:
            return Response(status=403, headers={"X-Error-Message": "You don't have the rights"})
        files = {}
        for line in request.get_data().splitlines():
            part = json.loads(line)
            value = part["value"]
            if part["key"] == "lfsFile":
                files[value["path"]] = self._objects[value["oid"]]
            elif part["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            else:
                assert part["key"] == "header"
        repository = self.repositories[f"{o}/{n}"]
        repository.add(files)
        oid = sha(len(repository.commits) - 1)
        return jsonify(commitUrl=f"{self.address}/{o}/{n}/commit/{oid}", commitOid=oid)
