"""Keys: files in the keys folder, the key ring for data at rest, certificates."""
