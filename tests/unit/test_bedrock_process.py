"""The endpoint as a process, and the files it keeps."""

import json
import socket
from pathlib import Path

import pytest

from rft_local.bedrock.__main__ import main
from rft_local.bedrock.record_store import RecordStore, new_id
from rft_local.bedrock.records import CustomModel
from tests.unit.bedrock_bench import bench
from tests.unit.fakes.engine import FakeEngine


def arguments(tmp_path: Path, **changes: str) -> list[str]:
    weights = tmp_path / "model.gguf"
    weights.write_bytes(b"no model")
    options = {
        "port": "0",
        "emulator-url": "http://127.0.0.1:1",
        "state": str(tmp_path),
        "weights": str(weights),
        **changes,
    }
    return [part for name, value in options.items() for part in (f"--{name}", value)]


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    return written


def test_missing_weights_are_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(tmp_path, weights=str(tmp_path / "nothing"))) == 1
    assert "nothing: no such file; `make setup` fetches it" in one_line(capsys)


def test_a_port_in_use_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(arguments(tmp_path, port=str(port))) == 1
    assert f"port {port}" in one_line(capsys)


def test_an_illegal_setting_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*arguments(tmp_path), "--event-size", "0"]) == 1
    assert "event_size: got 0, wanted at least 1" in one_line(capsys)


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(ValueError, match=r"broken\.json holds no CustomModel"):
        RecordStore(tmp_path, CustomModel)


def test_ids_are_twelve_characters_of_the_services_alphabet() -> None:
    ids = {new_id() for _ in range(200)}
    assert len(ids) == 200
    assert all(len(one) == 12 and one.isalnum() and one == one.lower() and one.isascii() for one in ids)


def test_health_tells_when_the_model_is_there(tmp_path: Path) -> None:
    from rft_local.bedrock.service_model import HttpRequest

    class Broken(FakeEngine):
        def load(self) -> None:
            self.go.wait(10)
            raise OSError("the file is cut off")

    asked = HttpRequest("GET", "/health", {}, b"")
    with bench(tmp_path, Broken()) as bed:
        waiting = bed.endpoint.answer(asked)
        assert waiting.status == 503 and json.loads(waiting.body) == {"status": "loading the model"}
        bed.engine.go.set()
        while b"loading" in (found := bed.endpoint.answer(asked)).body:
            pass
        assert found.status == 503 and b"the file is cut off" in found.body
