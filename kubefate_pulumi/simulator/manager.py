"""The simulated sites of one state directory."""

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from kubefate_pulumi.simulator import tools
from kubefate_pulumi.simulator.build import Progress
from kubefate_pulumi.simulator.errors import SimulatorError
from kubefate_pulumi.simulator.files import PRIVATE_DIRECTORY
from kubefate_pulumi.simulator.home import PulumiHome
from kubefate_pulumi.simulator.kubeconfig import write_kubeconfig
from kubefate_pulumi.simulator.locks import exclusive
from kubefate_pulumi.simulator.record import MAXIMUM_SITES, check_name
from kubefate_pulumi.simulator.site import Site

DEFAULT_SITES = ("exchange", "party-9999", "party-10000")


def silent(message: str) -> None:
    """Tell nobody."""
    del message


class Simulator:
    """All simulated sites of one state directory, and the Pulumi engine that deploys to them.

    Several processes may use one simulator: whatever changes it is done under a lock.
    """

    def __init__(self, state: Path) -> None:
        self.state = state.absolute()
        self.home = PulumiHome(self.state)
        self._sites = self.state / "sites"

    @property
    def merged_kubeconfig(self) -> Path:
        """The kubeconfig file with one context per site."""
        return self.state / "kubeconfig"

    def sites(self) -> list[Site]:
        """Return all sites that were made, in the order of their names."""
        if not self._sites.is_dir():
            return []
        return [site for each in sorted(self._sites.iterdir()) if (site := Site(each)).exists()]

    def site(self, name: str) -> Site:
        """Return one site.

        Raises:
            SimulatorError: there is none of that name; the message says which there are.
        """
        found = {site.name: site for site in self.sites()}
        if name not in found:
            known = f"The sites are: {', '.join(found)}." if found else "There are none."
            raise SimulatorError(
                f"There is no simulated site {name!r} in {self.state}. {known} Make it with `kubefate sim up {name}`."
            )
        return found[name]

    def up(self, names: Sequence[str] = (), progress: Progress = silent) -> None:
        """Make and start sites until all can be used; what runs already is left alone.

        Args:
            names: the sites. None means those that were made before, or else `DEFAULT_SITES`.
            progress: takes one line at a time.

        Raises:
            SimulatorError: a tool cannot be built, or a site cannot be started.
        """
        for name in names:
            check_name(name)
        engine = tools.ensure_engine(progress)
        binary = tools.ensure_control_plane(progress)
        plugin = tools.ensure_plugin(progress)
        with self._locked(progress):
            chosen = list(dict.fromkeys(names)) or [site.name for site in self.sites()] or list(DEFAULT_SITES)
            self.home.prepare(engine, plugin)
            self._make(chosen, binary)
            self._write_kubeconfig()
            _in_parallel([Site(self._sites / name) for name in chosen], binary, progress)

    def down(self, names: Sequence[str] = (), *, keep: bool = False, progress: Progress = silent) -> None:
        """End sites and remove all that is left of them; with the last site goes all the simulator's own state.

        Args:
            names: the sites; none means all.
            keep: leave the files, so that `up` goes on with the same objects at the same addresses.
            progress: takes one line at a time.

        Raises:
            SimulatorError: a site of that name does not exist.
        """
        if not self.state.is_dir():
            if names:
                self.site(names[0])
            return
        with self._locked(progress):
            # Also a directory that never became a site may have processes: `up` was killed at the wrong moment.
            all_sites = [Site(each) for each in self._sites.iterdir()] if self._sites.is_dir() else []
            chosen = [self.site(name) for name in dict.fromkeys(names)] if names else all_sites
            with ThreadPoolExecutor(max_workers=max(len(chosen), 1)) as pool:
                list(pool.map(lambda site: site.stop(gently=keep), chosen))
            for site in chosen:
                progress(f"Site {site.name} is {'stopped' if keep else 'removed'}")
                if not keep:
                    site.remove()
            if not keep:
                self._write_kubeconfig()
            if not self._sites.is_dir() or not any(self._sites.iterdir()):
                self._remove_all()
        with contextlib.suppress(OSError):
            self.state.rmdir()

    def status(self) -> dict[str, Any]:
        """Return sites and stand-ins as `kubefate sim status --json` prints them."""
        with ThreadPoolExecutor(max_workers=MAXIMUM_SITES) as pool:
            sites = list(pool.map(Site.status, self.sites()))
        return {"sites": sites, "stand_ins": self.home.stand_ins(), "state": str(self.state)}

    def environment(self) -> dict[str, str]:
        """Return the variables with which `pulumi` and `kubectl` use the simulated sites.

        Raises:
            SimulatorError: there is no site.
        """
        if not self.sites():
            raise SimulatorError(f"There is no simulated site in {self.state}. Make one with `kubefate sim up`.")
        return {**self.home.environment(), "KUBECONFIG": str(self.merged_kubeconfig)}

    def kubeconfig(self, name: str | None = None) -> Path:
        """Return the kubeconfig file of one site, or the one with all sites.

        Raises:
            SimulatorError: there is no such site, or none at all.
        """
        if name is not None:
            return self.site(name).kubeconfig
        self.environment()
        return self.merged_kubeconfig

    def _make(self, names: Sequence[str], binary: Path) -> None:
        used = {site.record().index for site in self.sites()}
        for name in names:
            site = Site(self._sites / name)
            if site.exists():
                continue
            free = next((index for index in range(MAXIMUM_SITES) if index not in used), None)
            if free is None:
                raise SimulatorError(f"There are {MAXIMUM_SITES} sites already, and no more can have addresses.")
            used.add(free)
            site.make(free, binary)

    def _write_kubeconfig(self) -> None:
        sites = self.sites()
        authority = {site.name: site.ca_certificate() for site in sites}
        write_kubeconfig(self.merged_kubeconfig, [site.record() for site in sites], authority, "admin")

    def _remove_all(self) -> None:
        self.home.remove()
        self.merged_kubeconfig.unlink(missing_ok=True)
        shutil.rmtree(self._sites, ignore_errors=True)
        (self.state / "lock").unlink(missing_ok=True)

    @contextlib.contextmanager
    def _locked(self, progress: Callable[[str], None]) -> Iterator[None]:
        self.state.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
        with exclusive(
            self.state / "lock",
            lambda: progress("Waiting for another command that changes the simulated sites"),
        ):
            yield


def _in_parallel(sites: Sequence[Site], binary: Path, progress: Progress) -> None:
    """Start the sites at the same time; the first failure ends the waiting for all, and is what is raised."""
    cancel = threading.Event()

    def start(site: Site) -> None:
        site.up(binary, cancel)
        progress(f"Site {site.name} is ready: {site.record().server}")

    with ThreadPoolExecutor(max_workers=max(len(sites), 1)) as pool:
        futures = [pool.submit(start, site) for site in sites]
        try:
            for future in as_completed(futures):
                future.result()
        finally:
            cancel.set()
