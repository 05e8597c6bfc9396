"""Which distribution a file of the bundle belongs to, and which one is the application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bundler.bundle_paths import lies_in
from bundler.environment import Distribution, Environment
from bundler.plan.application import StartCommand
from bundler.plan.mounts import MountTable


class Title(NamedTuple):
    """What a person calls the application; "" where nobody knows it."""

    name: str = ""
    version: str = ""


NO_TITLE = Title()


class Owners:
    """The distributions of an environment, and the bundle paths of their files."""

    def __init__(self, environment: Environment, mounts: MountTable, added: Mapping[str, Sequence[str]]) -> None:
        """`added` are bundle paths that a distribution owns anew, by the bundle path of its metadata: an editable's."""
        self._distributions = environment.distributions
        self._prompt = environment.config.get("prompt", "").strip("'\"")
        self._mounts = mounts
        self._added = added

    def files(self, distribution: Distribution) -> tuple[str, ...]:
        """Bundle paths of its files, and of folders that are wholly its own."""
        places = map(self._mounts.bundle_path, distribution.files.paths)
        return (*(place for place in places if place is not None), *self._brought(distribution))

    def owner(self, path: str) -> Distribution | None:
        """The distribution that a file belongs to; None for a file that none lists."""
        name = path.rpartition("/")[2]
        for distribution in self._distributions:
            if any(place == path or lies_in(path, place) for place in self._brought(distribution)):
                return distribution
            # A name is compared at once, a place only after a look at the mounts.
            named = [file for file in distribution.files.paths if file.endswith(f"/{name}")]
            if any(self._mounts.bundle_path(file) == path for file in named):
                return distribution
        return None

    def application(self, start: StartCommand | None, name: str = "") -> Distribution | None:
        """The distribution that the bundle was made for; None where none stands out.

        It is that of the start command; but where that is somebody's server, and one project of the user's own was installed (from
        a local place), it is the project. Else it is that of a `name` which was found out before.
        """
        own = [each for each in self._distributions if self._is_own(each)]
        started = self.owner(start.subject) if start else None
        if len(own) == 1 and started not in own:
            return own[0]
        return started or next((each for each in self._distributions if name and each.name == name), None)

    def title(self, application: Distribution | None) -> Title:
        """The application's name and version; without one, the name that whoever made the environment gave it."""
        return Title(application.name, application.version) if application else Title(self._prompt)

    def _is_own(self, distribution: Distribution) -> bool:
        url = distribution.direct_url
        return (url is not None and url.is_local) or bool(self._brought(distribution))

    def _brought(self, distribution: Distribution) -> Sequence[str]:
        return self._added.get(self._mounts.bundle_path(distribution.metadata) or "", ())
