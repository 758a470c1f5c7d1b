"""
Our own pages and the control API: hosted payment pages, the dashboard, errors.

Views parse, hand over to `services` and `delivery`, and answer.
Providers are known by their contract only, never by name.
"""
