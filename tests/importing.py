"""How plugins of pytest that look into mockpay load its modules: from their sources, with marks."""

import sys
from importlib.machinery import PathFinder


class Finder:
    """
    Loads mockpay's modules by a loader of its own.

    pytest rewrites all of mockpay for `assert`, because mockpay brings a plugin: its own finder must come after this one.

    Args:
        loader: Makes the loader of a module from its spec.
    """

    def __init__(self, loader):
        self._loader = loader

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] != "mockpay":
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = self._loader(spec)
        return spec

    @property
    def installed(self):
        return self in sys.meta_path

    def install(self):
        """Go before all other finders, now."""
        if self.installed:
            sys.meta_path.remove(self)
        sys.meta_path.insert(0, self)
