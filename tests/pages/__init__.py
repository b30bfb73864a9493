"""The parts of the documentation that are written by a program: `python -m tests.pages` renews them.

A test holds each part to what it is made of, so that no page can tell what the code does not do.
"""
