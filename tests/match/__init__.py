"""Scenes shared by the tests of match and warn."""
