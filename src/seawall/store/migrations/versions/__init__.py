"""One file a revision, numbered in order. A released revision never changes."""
