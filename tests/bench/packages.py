"""The programs that the router part needs beside nginx, from Debian, installed where they are missing."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from rig.routers import nginx_command


class MissingError(RuntimeError):
    """A program is missing and cannot be installed."""


def lua_modules() -> list[Path]:
    """Return the files of nginx' Lua module and of what it needs, in the order in which they are loaded."""
    version = subprocess.run([nginx_command()[0], "-V"], capture_output=True, text=True, check=True).stderr
    match = re.search(r"--modules-path=(\S+)", version)
    directory = Path(match[1] if match else "/usr/lib/nginx/modules")
    return [directory / "ndk_http_module.so", directory / "ngx_http_lua_module.so"]


def _has_lua() -> bool:
    libraries = Path("/usr/share/lua/5.1/resty")
    return all(path.exists() for path in (*lua_modules(), libraries / "core.lua", libraries / "lrucache.lua"))


_NEEDED: dict[tuple[str, ...], Callable[[], bool]] = {
    ("apache2-utils",): lambda: shutil.which("ab") is not None,
    ("nghttp2-client",): lambda: shutil.which("h2load") is not None,
    ("libnginx-mod-http-lua", "lua-resty-core", "lua-resty-lrucache"): _has_lua,
}
"""Packages, and whether what is needed of them is there."""


def ensure() -> None:
    """Install what is missing.

    Raises:
        MissingError: it is missing still, and what to do.
    """
    packages = _missing()
    if not packages:
        return
    remedy = f"install {' '.join(packages)} (Debian's names) and run this again"
    if shutil.which("apt-get") is None:
        raise MissingError(f"no apt-get here: {remedy}")
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if prefix and shutil.which("sudo") is None:
        raise MissingError(f"neither root nor sudo: {remedy}")
    print(f"installing {' '.join(packages)}", flush=True)
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        command = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise MissingError(f"apt-get {words[0]} failed: {done.stderr.strip()[-500:]}\n{remedy}")
    if left := _missing():
        raise MissingError(f"installed, but not found: {' '.join(left)}")


def _missing() -> list[str]:
    return [package for packages, there in _NEEDED.items() if not there() for package in packages]
