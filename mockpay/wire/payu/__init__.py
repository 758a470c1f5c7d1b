"""PayU India's formats in both directions: forms, commands, their answers, errors and hashes."""
