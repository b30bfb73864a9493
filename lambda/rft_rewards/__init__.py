"""Graders: pure functions from a completion and its reference answer to a grade.

Standard library only, no AWS, no input or output. The reward Lambda carries this package in its asset, and authors of
reward functions may use it directly.
"""
