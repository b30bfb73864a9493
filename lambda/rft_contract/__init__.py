"""The vocabulary that constructs, handlers and the command line share.

Standard library only: `import bedrock_rft` loads this package in applications that have nothing but aws-cdk-lib, and a
reward Lambda carries it in its asset. One noun a module; nothing here talks to AWS.
"""
