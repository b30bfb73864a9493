"""Rows of Bedrock RFT, made of what other tools and datasets write."""
