"""
Python, at its start: names of the impersonated hosts lead to the sandbox, whichever client looks them up.

A client that brings its own list of roots trusts the sandbox's authority too.  It runs in other people's
interpreters, so it needs nothing but the standard library of Python 3.7.
"""

import functools
import importlib
import importlib.util
import json
import os
import socket
import ssl
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(_FOLDER, "reach.json"), encoding="ascii") as _file:
    _REACH = json.load(_file)
_PORTS = {443: _REACH["ports"]["443"], 80: _REACH["ports"]["80"]}
# The address of every impersonated host: many clients take an address from the lookup and a port from elsewhere,
# so that connect() alone has both.
_ADDRESS = "127.84.67.83"
_connect, _connect_ex = socket.socket.connect, socket.socket.connect_ex
_load_verify_locations = ssl.SSLContext.load_verify_locations


def _address(host: object) -> object:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    return _ADDRESS if isinstance(name, str) and name.lower().rstrip(".") in _REACH["hosts"] else host


def _lookup(function: object, before: int = 0) -> object:
    """The function or method that looks up a host, which follows so many other arguments."""

    @functools.wraps(function)
    def with_address(*args: object, **kwargs: object) -> object:
        if "host" in kwargs:
            kwargs["host"] = _address(kwargs["host"])
        elif len(args) > before:
            args = (*args[:before], _address(args[before]), *args[before + 1 :])
        return function(*args, **kwargs)

    return with_address


def _sandbox(address: object) -> object:
    """Of an impersonated host's port 443 or 80, where the sandbox listens for it; any other address as it is."""
    if isinstance(address, tuple) and len(address) >= 2 and _address(address[0]) == _ADDRESS and address[1] in _PORTS:
        return ("127.0.0.1", _PORTS[address[1]])
    return address


def connect(self: object, address: object) -> None:
    """As in `socket`."""
    _connect(self, _sandbox(address))


def connect_ex(self: object, address: object) -> int:
    """As in `socket`."""
    return _connect_ex(self, _sandbox(address))


def load_verify_locations(self: object, cafile: object = None, capath: object = None, cadata: object = None) -> None:
    """As in `ssl`; the authority's certificate beside what the client names."""
    _load_verify_locations(self, cafile, capath, cadata)
    _load_verify_locations(self, cadata=_REACH["authority"])


for _name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
    setattr(socket, _name, _lookup(getattr(socket, _name)))
socket.socket.connect, socket.socket.connect_ex = connect, connect_ex
ssl.SSLContext.load_verify_locations = load_verify_locations


class _ResolverOfItsOwn:
    """Finds pycares, which aiohttp looks hosts up with where aiodns is installed, and leads it too."""

    def find_spec(self, name: str, *_: object, **__: object) -> object:
        if name != "pycares":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec:
            execute = spec.loader.exec_module

            def exec_module(module: object) -> None:
                execute(module)
                for lookup in {"getaddrinfo", "gethostbyname"} & set(vars(module.Channel)):  # the second before 5.0
                    setattr(module.Channel, lookup, _lookup(getattr(module.Channel, lookup), before=1))

            spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, _ResolverOfItsOwn())

# The interpreter runs the first `sitecustomize` only: let the one have its turn that ours stands before.
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _FOLDER]
_this = sys.modules.pop("sitecustomize")
try:
    importlib.import_module("sitecustomize")
except ImportError:
    sys.modules["sitecustomize"] = _this
