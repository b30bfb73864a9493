"""The commands of `rft`, one module a noun: parse, call, print."""
