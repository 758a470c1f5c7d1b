"""
How many odd calls each front door gets, and by which dice.

``ODD_CALLS=20000 SEED=7 pytest --timeout 0 tests/providers -k odd`` makes more of them, and others.
"""

import os
import random

NUMBER = int(os.environ.get("ODD_CALLS", "400"))


def dice():
    """The same throws in each run of one seed."""
    return random.Random(int(os.environ.get("SEED", "15")))
