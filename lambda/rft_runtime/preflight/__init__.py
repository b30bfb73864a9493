"""Preflight: what an environment lacks to run, found before anything is spent. One module a subject."""
