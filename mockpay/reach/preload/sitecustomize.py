"""
Python, at its start: names of the impersonated hosts lead to the sandbox, whichever client looks them up.

A client that brings its own list of roots trusts the sandbox's authority too.  It runs in other people's
interpreters, so it needs nothing but the standard library of Python 3.7.
"""

import importlib
import json
import os
import socket
import ssl
import sys

_FOLDER = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(_FOLDER, "reach.json"), encoding="ascii") as _file:
    _REACH = json.load(_file)
_PORTS = {443: _REACH["ports"]["443"], 80: _REACH["ports"]["80"]}
_PORTS.update({"443": _PORTS[443], "https": _PORTS[443], "80": _PORTS[80], "http": _PORTS[80]})
_getaddrinfo = socket.getaddrinfo
_load_verify_locations = ssl.SSLContext.load_verify_locations


def getaddrinfo(host: object, port: object, *args: object, **kwargs: object) -> object:
    """As in `socket`; of an impersonated host, the sandbox's address and port."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if isinstance(name, str) and port in _PORTS and name.lower().rstrip(".") in _REACH["hosts"]:
        host, port = "127.0.0.1", _PORTS[port]
    return _getaddrinfo(host, port, *args, **kwargs)


def load_verify_locations(self: object, cafile: object = None, capath: object = None, cadata: object = None) -> None:
    """As in `ssl`; the authority's certificate beside what the client names."""
    _load_verify_locations(self, cafile, capath, cadata)
    _load_verify_locations(self, cadata=_REACH["authority"])


socket.getaddrinfo = getaddrinfo
ssl.SSLContext.load_verify_locations = load_verify_locations

# The interpreter runs the first `sitecustomize` only: let the one have its turn that ours stands before.
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _FOLDER]
_this = sys.modules.pop("sitecustomize")
try:
    importlib.import_module("sitecustomize")
except ImportError:
    sys.modules["sitecustomize"] = _this
