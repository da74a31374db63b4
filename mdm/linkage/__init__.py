"""Linkage in bulk: candidates, training with Splink, scoring by SQL rendered from a release."""
