"""Chat-JSONL datasets of Bedrock RFT: reading and validating, streaming, without AWS."""
