from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_rft import AssetError
from bedrock_rft._assets import assemble, cached, content_hash, package_files, package_folder

FILES = st.dictionaries(st.from_regex(r"[a-z]{1,4}(/[a-z]{1,4})?", fullmatch=True), st.binary(max_size=4), max_size=4)


@given(FILES, FILES)
def test_the_hash_tells_contents_apart_and_ignores_order(one: dict[str, bytes], two: dict[str, bytes]) -> None:
    assert (content_hash(one) == content_hash(two)) == (one == two)
    assert content_hash(one) == content_hash(dict(reversed(one.items())))
    assert content_hash(one) != content_hash(one, onto="base")


def test_assembling_adds_to_a_base_and_happens_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    base = assemble({"lib/a.py": b"a"})
    folder = assemble({"b.py": b"b"}, onto=[base])
    assert folder.parent == tmp_path / ".bundles"
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")} == {"lib/a.py", "b.py"}
    inode = folder.stat().st_ino
    assert assemble({"b.py": b"b"}, onto=[base]) == folder
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


def test_folders_that_disagree_about_a_file_cannot_share_an_asset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one, same, other = (assemble({"lib/a.py": b"a", name: b""}) for name in ("b", "c", "d"))
    (other / "lib" / "a.py").write_bytes(b"another")
    assert (assemble({}, onto=[one, same]) / "c").is_file()
    with pytest.raises(AssetError, match=r"two versions of lib/a\.py"):
        assemble({}, onto=[one, other])
