"""Amazon Pay India's formats, used by server and merchant: envelope, signatures, results, SNS."""
