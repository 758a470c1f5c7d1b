"""
The subcommands of `mockpay`; `mockpay.cli` loads the one that is called.

Those that look into a sandbox do it by its control API (`remote`), as a test would.
Nothing heavy is imported before it is needed.
"""
