"""Read-only queries for pages, the control API and the audit."""
