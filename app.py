"""Serve the sandbox and the demo shop: `python app.py` is `mockpay serve`."""

import sys

from mockpay.cli import main

if __name__ == "__main__":
    main(["serve", *sys.argv[1:]])
