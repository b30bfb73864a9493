"""The code runner: executes untrusted programs and returns what they answered. It holds no secret and no test.

Standard library and `rft_contract.value_codec` only. Linux only.
"""
