"""
The ground floor: money, time, ids, keys, outgoing HTTP and errors.

Imports nothing of ours and no framework. The only place that may read the wall clock, the operating system's entropy
or an HTTP client; everybody above is handed these through `Runtime`.
"""
