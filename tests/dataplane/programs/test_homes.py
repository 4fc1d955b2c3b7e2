"""Fetching the programs: once, whole or not at all, and only what was written down."""

import re
import threading
from pathlib import Path

import pytest
from dataplane.programs import images, maven
from dataplane.programs.cache import ProgramError, once, run
from dataplane.programs.debian import debian_home
from dataplane.programs.homes import ensure

from kubefate_pulumi.fate.profile import load_profile, supported_versions


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBEFATE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_directory_is_made_once_for_the_same_inputs(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "input").write_text("1")
    made: list[Path] = []

    def make(directory: Path) -> None:
        made.append(directory)
        (directory / "file").write_text("text")

    threads = [threading.Thread(target=once, args=("x", [tmp_path / "input"], make)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = once("x", [tmp_path / "input"], make)
    assert len(made) == 1
    assert (first / "file").read_text() == "text"
    assert first.parent == cache
    (tmp_path / "input").write_text("2")
    assert once("x", [tmp_path / "input"], make) != first


def test_what_fails_leaves_nothing(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "input").write_text("1")

    def make(directory: Path) -> None:
        (directory / "half").touch()
        run("Something", ["sh", "-c", "echo the reason; exit 3"])

    with pytest.raises(ProgramError, match=r"(?s)Something: sh failed.*the reason"):
        once("x", [tmp_path / "input"], make)
    assert [path.name for path in cache.iterdir()] == ["program-x.lock"]


def test_a_jar_that_was_not_written_down_is_refused(tmp_path: Path) -> None:
    """A control: a jar differs by one byte."""
    home = ensure("hadoop") / "lib"
    maven._check("hadoop", home)
    for jar in home.iterdir():
        (tmp_path / jar.name).symlink_to(jar)
    changed = tmp_path / "hadoop-hdfs-3.2.1.jar"
    content = changed.read_bytes()
    changed.unlink()
    changed.write_bytes(content + b"\0")
    with pytest.raises(ProgramError, match=r"differ from .*: hadoop-hdfs-3.2.1.jar$"):
        maven._check("hadoop", tmp_path)


def test_messages_say_what_to_do() -> None:
    with pytest.raises(ProgramError, match="no program is named oracle; there are pulsar, "):
        ensure("oracle")
    with pytest.raises(ProgramError, match="not installed: no-such-server; `make programs` installs them"):
        debian_home("no-such-server", "sh")
    with pytest.raises(ProgramError, match="no-such-mvn is not installed; `make programs` installs it"):
        run("Pulsar", ["no-such-mvn"])
    with pytest.raises(ProgramError, match="did not end within 0 s"):
        run("Pulsar", ["sleep", "5"], seconds=0.1)


@pytest.mark.parametrize("version", supported_versions())
def test_our_programs_stand_for_the_images_that_we_deploy(version: str) -> None:
    """A version profile with another tag needs another program here."""
    references = load_profile(version).images
    for part, (make, tag) in images.PROGRAMS.items():
        image = make()
        assert re.search(rf"{re.escape(image.repository)}:{re.escape(tag)}$", references[part]), part
