"""
The benchmarks of the contract's section 7: `make bench`, or `python -m bench --help`.

Every figure is a ratio to a floor that was measured in the same run, in turn with it, so that a
slow or busy machine slows both down.  One file per part of the table; none of it is imported by
mockpay.
"""
