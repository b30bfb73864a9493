"""The Lambda entry points: one module a function, and each only parses, calls and returns."""
