"""
What Amazon's own Python client makes of notifications.

Argument: a JSON file, [{"body": text, "headers": {name: value}}].  Prints JSON: for each, what
was told, or what it was refused with.
"""

import json
import sys
from pathlib import Path

from amazon_pay.ipn_handler import IpnHandler


def judged(body, headers):
    try:
        handler = IpnHandler(body=body.encode(), headers=headers)
        handler.authenticate()
    except ValueError as refusal:
        return {"refused": str(refusal)}
    return {"told": json.loads(handler.to_json())}


shown = json.loads(Path(sys.argv[1]).read_text())
json.dump([judged(**one) for one in shown], sys.stdout)
