"""THE TABLE of magic values, by topic, and who wins when several apply."""
