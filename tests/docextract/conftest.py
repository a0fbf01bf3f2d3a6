import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from huggingface_hub import constants

from docextract.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process: exit code, stdout, stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return run


@pytest.fixture(autouse=True)
def nobodys_configuration(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Whoever runs the tests may have set something; the folder that stands in for their own."""
    folder = tmp_path_factory.mktemp("config")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    return folder


FILES = {
    "config.json": b'{"model_type": "zamba2_vl"}',
    "model.safetensors": b"\x02\0\0\0\0\0\0\0{}",
    "README.md": b"A card.",
    "pytorch_model.bin": b"not wanted",
}


@pytest.fixture
def no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a hub that does not answer; the cache."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    _ask_at("http://127.0.0.1:9", monkeypatch)
    return tmp_path / "hub"


@pytest.fixture
def hub_with_files(no_hub: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache, and a hub on this machine that has FILES as owner/model; the cache."""
    with _serving("owner/model", FILES) as address:
        _ask_at(address, monkeypatch)
        yield no_hub


def _ask_at(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    places = "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + places)


COMMIT = "0123456789abcdef0123456789abcdef01234567"
ERRORS = {"owner/shut": (403, "GatedRepo"), "owner/none": (401, "RepoNotFound")}


@contextmanager
def _serving(hub_id: str, files: Mapping[str, bytes]) -> Iterator[str]:
    """The address of a hub that has one repository, and answers ERRORS for others."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            for other, (status, code) in ERRORS.items():
                if f"/{other}" in path:
                    return self.answer(status, b"{}", {"X-Error-Code": code})
            if path == f"/api/models/{hub_id}" or "/revision/" in path:
                return self.answer(200, json.dumps({"id": hub_id, "sha": COMMIT}).encode())
            if "/tree/" in path:
                return self.answer(
                    200, json.dumps([_entry(*file) for file in files.items()]).encode()
                )
            content = files[path.rpartition("/")[2]]
            tag = _hash(path, content)
            self.answer(200, content, {"ETag": f'"{tag}"', "X-Repo-Commit": COMMIT})

        do_HEAD = do_GET

        def answer(
            self, status: int, body: bytes, headers: Mapping[str, str] | None = None
        ) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def _entry(name: str, content: bytes) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "path": name, "size": len(content), "oid": "0"}
    if name.endswith(".safetensors"):
        entry["lfs"] = {"oid": _hash(name, content), "size": len(content), "pointerSize": 1}
    return entry


def _hash(name: str, content: bytes) -> str:
    if name.endswith(".safetensors"):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
