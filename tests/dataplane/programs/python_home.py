"""Programs from PyPI: Spark's distribution, and the notebook in an environment of its own.

`requirements/X.txt` is made of `X.in` by `uv pip compile --generate-hashes --universal --python-version 3.11`.
"""

import shutil
import sys
import tarfile
import venv
from pathlib import Path

from dataplane.kubelet.images import Tree
from dataplane.programs.cache import once, run
from dataplane.programs.maven import fetch, maven_inputs

REQUIREMENTS = Path(__file__).parent / "requirements"
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input")
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"

VENV = "/data/projects/python/venv"
"""Where FATE's images have their environment; ours runs at no other path."""
SITE_PACKAGES = f"lib/{PYTHON}/site-packages"


def python_trees() -> tuple[Tree, ...]:
    """Return the Python that runs the tests, with its packages, at the paths that it has here."""
    places = dict.fromkeys(Path(prefix) for prefix in (sys.base_prefix, sys.prefix))
    return tuple(Tree(place, str(place)) for place in places if str(place) != "/usr")


def spark_home() -> Path:
    """Return Spark's directory, laid out as in its release: `bin`, `sbin`, `jars`, `python`."""
    requirements = REQUIREMENTS / "spark.txt"
    inputs = [requirements, *maven_inputs("scala")]
    return once("spark", inputs, lambda directory: _unpack_spark(directory, requirements))


def notebook_home() -> Path:
    """Return the environment of the client's image, to be mounted at `VENV`: Jupyter and FATE's command line."""
    requirements = [REQUIREMENTS / "notebook.txt", REQUIREMENTS / "notebook-no-deps.txt"]
    return once(f"notebook-{PYTHON}", requirements, lambda directory: _make_environment(directory, requirements))


def pulsar_client_home() -> Path:
    """Return the directory, for `PYTHONPATH`, of a client of Pulsar for the Python that runs the tests."""
    requirements = [REQUIREMENTS / "pulsar-client.txt"]
    return once(f"pulsar-client-{PYTHON}", requirements, lambda directory: _install(directory, requirements[0]))


def _install(directory: Path, requirements: Path) -> None:
    options = ["--require-hashes", f"--target={directory}", f"--requirement={requirements}"]
    run("Pulsar's client", [sys.executable, *PIP, "install", *options])


def _unpack_spark(directory: Path, requirements: Path) -> None:
    scratch = directory / "scratch"
    options = ["--no-deps", "--no-binary=:all:", "--require-hashes", "--no-cache-dir", f"--dest={scratch}"]
    run("Spark", [sys.executable, *PIP, "download", *options, f"--requirement={requirements}"])
    (archive,) = scratch.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(scratch, filter="data")
    (source,) = (path for path in scratch.iterdir() if path.is_dir())
    for name in ("bin", "sbin", "jars"):
        (source / "deps" / name).rename(directory / name)
    (directory / "python").mkdir()
    for name in ("pyspark", "lib"):
        (source / name).rename(directory / "python" / name)
    for script in (directory / "bin").iterdir():
        script.chmod(0o755)
    shutil.rmtree(scratch)
    for replaced in (directory / "jars").glob("scala-library-*.jar"):
        replaced.unlink()
    fetch("scala", scratch)
    for jar in scratch.iterdir():
        jar.rename(directory / "jars" / jar.name)
    scratch.rmdir()


def _make_environment(directory: Path, requirements: list[Path]) -> None:
    venv.create(directory, with_pip=True)
    for file in requirements:
        options = ["--require-hashes", *(["--no-deps"] if "no-deps" in file.name else [])]
        command = [str(directory / "bin" / "python"), *PIP, "install", *options, f"--requirement={file}"]
        run("The notebook", command)
    # The scripts name the interpreter by its path.
    for script in (directory / "bin").iterdir():
        if script.is_file() and not script.is_symlink():
            script.write_bytes(script.read_bytes().replace(str(directory).encode(), VENV.encode()))
