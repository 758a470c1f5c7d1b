"""Looks over a browser's shoulder and remembers what a page of ours must never do."""

import re
from urllib.parse import urlsplit

PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1280, "height": 800}

_OWN = {"127.0.0.1", "localhost"}
#: What Chromium writes when a document or a script's request is refused.
_STATUS = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")


class Watch:
    """Collects trouble of any number of contexts; `check` fails the test that had some."""

    def __init__(self):
        self._expected = set()
        self._trouble = []

    def over(self, context):
        """Look over a context's shoulder until the function that is returned is called."""
        ears = {"request": self._asked, "console": self._said, "weberror": self._broke}
        for event, ear in ears.items():
            context.on(event, ear)

        def stop():
            for event, ear in ears.items():
                context.remove_listener(event, ear)

        return stop

    def expects(self, *statuses):
        """The test will meet documents that are refused with these statuses."""
        self._expected |= {str(status) for status in statuses}

    def check(self):
        assert not self._trouble, "\n".join(self._trouble)

    def _asked(self, request):
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname not in _OWN:
            self._trouble.append(f"asked another host: {request.url}")

    def _broke(self, error):
        self._trouble.append(f"script broke: {error.error}")

    def _said(self, message):
        if message.type not in {"error", "warning"}:
            return
        status = _STATUS.match(message.text)
        if status is None or status[1] not in self._expected:
            self._trouble.append(f"console {message.type}: {message.text} {message.location}")
