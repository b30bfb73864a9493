"""Third-party packages of functions, fetched with pip and kept."""

import re
import struct
import sys
from itertools import combinations
from pathlib import Path

import pytest

from bedrock_rft import AssetError, HandlerPlatform
from bedrock_rft.__main__ import main
from bedrock_rft.third_party import SERVICES, Lock, grader_lock, handlers_lock, third_party
from rft_contract.graders import GRADERS
from stacks.config import ENVIRONMENTS
from stacks.config import main as answer

ROOT = Path(__file__).resolve().parents[2]
LOCKS = [handlers_lock(), *(grader_lock(stem) for stem in sorted({e.lock for e in GRADERS.values() if e.lock}))]
PIN = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE | re.IGNORECASE)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder in which pip reaches nobody."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.mark.parametrize(
    ("lock", "command"),
    [
        (handlers_lock(), "python3 -m bedrock_rft x86_64"),
        (grader_lock("text"), "python3 -m bedrock_rft x86_64 text"),
    ],
)
def test_without_network_the_error_names_the_command(offline: Path, lock: Lock, command: str) -> None:
    with pytest.raises(AssetError) as caught:
        third_party(lock, HandlerPlatform.X86_64)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(f"with network, run: {command}")
    assert list((offline / ".bundles" / "third-party").iterdir()) == []


@pytest.mark.parametrize(
    "text", ["numpy>=2\n", "numpy==2.4.0\n", "# pinned\n-r other.txt\n", "six==1 \\\n  --hash=sha256:0\nx"]
)
def test_packages_that_are_not_locked_are_refused_with_what_locks_them(offline: Path, text: str) -> None:
    path = offline / "requirements.txt"
    path.write_text(text)
    with pytest.raises(AssetError) as caught:
        third_party(Lock("reward mine", path, "rewards/mine"), HandlerPlatform.HOST)
    assert "uv pip compile --generate-hashes requirements.in -o requirements.txt" in str(caught.value)


def test_a_word_of_the_command_that_means_nothing_is_refused(offline: Path) -> None:
    message = main(["sparc"])
    assert message is not None
    assert message.startswith("got 'sparc', wanted one of arm64, x86_64, host, ")
    assert "text" in message


def test_the_app_names_what_its_rewards_need_and_no_more() -> None:
    for config in ENVIRONMENTS:
        assert answer(["packages", config.environment]) is None


def test_wheels_fit_the_machine_of_lambda() -> None:
    aarch64 = 183  # ELF's number for the machine, at offset 18
    libraries = list(third_party(handlers_lock(), HandlerPlatform.ARM64).rglob("*.so"))
    assert libraries
    for library in libraries:
        assert ".cpython-314-" in library.name
        assert struct.unpack_from("<H", library.read_bytes(), 18) == (aarch64,), library.name


def test_wheels_fit_the_host() -> None:
    tag = f".cpython-3{sys.version_info.minor}-"
    folder = third_party(handlers_lock(), HandlerPlatform.HOST)
    assert [library.name for library in folder.rglob("_core*") if tag in library.name]


def test_the_models_of_every_service_that_handlers_call_are_kept() -> None:
    source = "".join(path.read_text() for path in (ROOT / "lambda").rglob("*.py"))
    called = set(re.findall(r'client\(\s*"([a-z0-9-]+)"', source))
    assert called
    assert called <= SERVICES
    models = third_party(handlers_lock(), HandlerPlatform.HOST) / "botocore" / "data"
    assert {path.name for path in models.iterdir() if path.is_dir()} == SERVICES


def test_the_bundle_stays_small() -> None:
    folder = third_party(handlers_lock(), HandlerPlatform.ARM64)
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 12 * 2**20


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.owner)
def test_every_lock_pins_every_package_by_hash(lock: Lock) -> None:
    text = lock.content.decode()
    pins = PIN.findall(text)
    assert pins
    assert len(re.findall(r"==\S+ \\\n\s+--hash=sha256:", text)) == len(pins)
    for wanted in lock.path.with_suffix(".in").read_text().splitlines():
        assert wanted.startswith("#") or not wanted or tuple(wanted.split("==")) in pins, wanted


def test_locks_agree_about_the_packages_that_they_share() -> None:
    for one, other in combinations(LOCKS, 2):
        first, second = (dict(PIN.findall(lock.content.decode())) for lock in (one, other))
        assert {name: first[name] for name in first.keys() & second.keys()} == {
            name: second[name] for name in first.keys() & second.keys()
        }, f"{one.owner} and {other.owner}"
