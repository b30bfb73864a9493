"""Certifying a reward: what is sent to the deployed function, and what its answers prove.

`examination` is the whole; `kinds` knows for each grader how its right answers are written and how it is fooled.
"""
