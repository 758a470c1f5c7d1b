"""One-time passwords, whole: rules, table, verbs. Knows nothing of payments but what it is asked for."""
