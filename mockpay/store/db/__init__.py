"""The database itself: engine, transactions, prepared statements, paging, retention; no noun."""
