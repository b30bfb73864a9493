import re
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_rft import AssetError, HandlerPlatform
from bedrock_rft.__main__ import main
from bedrock_rft._assets import assemble, cached, content_hash, package_files, package_folder
from bedrock_rft.third_party import SERVICES, third_party

ROOT = Path(__file__).resolve().parents[2]
FILES = st.dictionaries(st.from_regex(r"[a-z]{1,4}(/[a-z]{1,4})?", fullmatch=True), st.binary(max_size=4), max_size=4)


@given(FILES, FILES)
def test_the_hash_tells_contents_apart_and_ignores_order(one: dict[str, bytes], two: dict[str, bytes]) -> None:
    assert (content_hash(one) == content_hash(two)) == (one == two)
    assert content_hash(one) == content_hash(dict(reversed(one.items())))
    assert content_hash(one) != content_hash(one, onto="base")


def test_assembling_adds_to_a_base_and_happens_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    base = assemble({"lib/a.py": b"a"})
    folder = assemble({"b.py": b"b"}, onto=base)
    assert folder.parent == tmp_path / ".bundles"
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")} == {"lib/a.py", "b.py"}
    inode = folder.stat().st_ino
    assert assemble({"b.py": b"b"}, onto=base) == folder
    assert folder.stat().st_ino == inode


def test_a_folder_appears_complete_or_not_at_all(tmp_path: Path) -> None:
    def half(folder: Path) -> None:
        (folder / "one").write_text("1")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        cached(tmp_path / "bundle", half)
    assert list(tmp_path.iterdir()) == []


def test_two_makers_at_once_agree(tmp_path: Path) -> None:
    target = tmp_path / "bundle"

    def overtaken(folder: Path) -> None:
        (folder / "late").write_text("")
        target.mkdir()
        (target / "first").write_text("")

    assert cached(target, overtaken) == target
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert [path.name for path in target.iterdir()] == ["first"]


def test_package_files_leave_bytecode_out() -> None:
    names = package_files("rft_contract")
    assert "rft_contract/recipe.py" in names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_a_missing_package_or_module_is_named() -> None:
    with pytest.raises(AssetError, match="package rft_absent not found"):
        package_folder("rft_absent")
    with pytest.raises(AssetError, match=r"package rft_contract at .* has no module absent"):
        package_files("rft_contract", ["recipe", "absent"])


def test_without_network_the_error_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AssetError) as caught:
        third_party(HandlerPlatform.X86_64)
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith("with network, run: python3 -m bedrock_rft x86_64")
    assert list((tmp_path / ".bundles" / "third-party").iterdir()) == []


def test_the_command_refuses_an_unknown_platform() -> None:
    assert main(["sparc"]) == "'sparc' is not a valid HandlerPlatform"


def test_wheels_fit_the_machine_of_lambda() -> None:
    aarch64 = 183  # ELF's number for the machine, at offset 18
    libraries = list(third_party(HandlerPlatform.ARM64).rglob("*.so"))
    assert libraries
    for library in libraries:
        assert ".cpython-314-" in library.name
        assert struct.unpack_from("<H", library.read_bytes(), 18) == (aarch64,), library.name


def test_wheels_fit_the_host() -> None:
    tag = f".cpython-3{sys.version_info.minor}-"
    assert [library.name for library in third_party(HandlerPlatform.HOST).rglob("_core*") if tag in library.name]


def test_the_models_of_every_service_that_handlers_call_are_kept() -> None:
    source = "".join(path.read_text() for path in (ROOT / "lambda").rglob("*.py"))
    called = set(re.findall(r'client\(\s*"([a-z0-9-]+)"', source))
    assert called
    assert called <= SERVICES
    kept = {path.name for path in (third_party(HandlerPlatform.HOST) / "botocore" / "data").iterdir() if path.is_dir()}
    assert kept == SERVICES


def test_the_bundle_stays_small() -> None:
    size = sum(path.stat().st_size for path in third_party(HandlerPlatform.ARM64).rglob("*") if path.is_file())
    assert size < 12 * 2**20
