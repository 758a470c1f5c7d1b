"""What pages say: sentences, timelines and words, in one place; pure functions."""
