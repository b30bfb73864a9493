"""Amazon Bedrock as this platform uses it, on one machine: customization jobs, custom models, deployments, inference.

Requests and responses are checked against botocore's own models of `bedrock` and `bedrock-runtime`, so that what the
service would refuse is refused here. Behind the API a small real model, the stand-in, is trained and served.
`python -m rft_local.bedrock` starts it; the emulator sends every Bedrock request to it after evaluating IAM.
"""
