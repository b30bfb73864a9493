"""What programs leave behind that outlives their processes: files, and objects of System V IPC."""

import ctypes
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_SYSVIPC = Path("/proc/sysvipc")
_IPC_RMID = 0

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Where to look.

    Args:
        owned: Folders in which nothing else lies: they are emptied wholly.
        shared: Folders of everybody: only what belongs to the user of the programs is removed, and only when that user
            is not this process's own.
        user: Id of the user as whom programs run.
    """

    owned: Sequence[Path]
    shared: Sequence[Path]
    user: int

    def remove(self) -> bool:
        """Remove everything, and return whether it is certain that nothing is left."""
        if any(not stat.S_ISDIR(folder.lstat().st_mode) for folder in self.owned):
            return False  # replaced by a link, perhaps
        for folder, entry in self._files():
            _remove(folder, entry)
        for kind, identity in self._ipc():
            _remove_ipc(kind, identity)
        return next(self._files(), None) is None and next(self._ipc(), None) is None

    def _files(self) -> Iterator[tuple[Path, os.DirEntry[str]]]:
        """Yield what lies in the folders."""
        for folder in self.owned:
            for entry in _entries(folder):
                yield folder, entry
        for folder in self.shared if self.user != os.getuid() else ():
            for entry in _entries(folder):
                try:
                    if entry.stat(follow_symlinks=False).st_uid == self.user:
                        yield folder, entry
                except FileNotFoundError:
                    continue

    def _ipc(self) -> Iterator[tuple[str, int]]:
        """Yield kind and id of the user's IPC objects."""
        for kind, column in (("shm", "shmid"), ("sem", "semid"), ("msg", "msqid")):
            try:
                header, *lines = (_SYSVIPC / kind).read_text(encoding="ascii").splitlines()
            except OSError:  # a kernel without them
                continue
            names = header.split()
            for line in lines:
                fields = dict(zip(names, line.split(), strict=False))
                if int(fields["uid"]) == self.user:
                    yield kind, int(fields[column])


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return a folder's entries; none when it is missing."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _remove(folder: Path, entry: os.DirEntry[str]) -> None:
    """Remove a file or a tree, never following a link. Depth costs no recursion: trees are flattened from the top."""
    token = secrets.token_hex(8)
    pending = [Path(entry.path)]
    moved = 0
    while pending:
        path = pending.pop()
        try:
            if not stat.S_ISDIR(path.lstat().st_mode):
                path.unlink()
                continue
            _open_up(path)
            for child in _entries(path):
                if child.is_dir(follow_symlinks=False):
                    _open_up(Path(child.path))
                moved += 1
                flat = folder / f"{token}-{moved}"
                Path(child.path).rename(flat)
                pending.append(flat)
            path.rmdir()
        except OSError:
            continue


def _open_up(folder: Path) -> None:
    """Make a folder of this user's writable; root needs no permission."""
    if os.geteuid() != 0:
        folder.chmod(0o700)


def _remove_ipc(kind: str, identity: int) -> None:
    """Remove an IPC object."""
    if kind == "shm":
        _libc.shmctl(identity, _IPC_RMID, None)
    elif kind == "sem":
        _libc.semctl(identity, 0, _IPC_RMID)
    else:
        _libc.msgctl(identity, _IPC_RMID, None)
