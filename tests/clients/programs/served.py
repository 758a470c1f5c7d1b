"""What the programs of Python's clients have in common: servers of their own on loopback."""

import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue


def served(handler):
    """The address of a server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def webhook():
    """A shop's address for webhooks, and the queue of what comes there: headers and body."""
    received = Queue()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            received.put((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    return served(Hook), received


def losing(base, times=1):
    """
    The address of a server that hands calls on to `base` and loses the first answers on their way.

    The list beside it gets the headers of each call and those of its answer.
    """
    seen = []

    class Losing(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name: value for name, value in self.headers.items() if name not in {"Host", "Content-Length"}}
            call = urllib.request.Request(base + self.path, body, headers)
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(call) as answer:
                told, text = dict(answer.headers), answer.read()
            seen.append((headers, told))
            if len(seen) <= times:
                self.close_connection = True
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    return served(Losing), seen
