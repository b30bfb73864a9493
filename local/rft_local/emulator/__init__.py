"""The embedded AWS: ministack, patched from outside so that what fails in AWS fails here too.

`python -m rft_local.emulator --port N --bedrock-url URL --state DIR` starts one instance, IAM enforced, on 127.0.0.1.
Each patch is a function in `patches`; its docstring says which gap it closes and which AWS page it follows. Where AWS
says nothing, `undocumented` names the choices.
Nothing here was compared with a real AWS account. What still differs from AWS:

- Lambda: every Python runtime is the emulator's own interpreter; no memory limit, no network isolation, no SnapStart,
  no layers under /opt, no guard against recursive invocation; one log stream for each invocation.
- Step Functions: definitions are not validated; Retry ignores MaxDelaySeconds and JitterStrategy and waits at most
  60 s; history has TaskScheduled instead of LambdaFunctionScheduled, and neither MapIteration events nor the states
  inside Parallel and Map; a stopped parent does not stop a child started with `.sync`; at most 16 children of a
  Distributed Map run at once, and a tolerated failure is null in its output.
- IAM: `iam:PassRole` is evaluated for Bedrock jobs alone; log delivery of state machines and X-Ray need no permission.
- KMS: checked for S3 objects and by the Bedrock endpoint, not for queues, topics, log groups and variables.
- S3: `aws:kms` without a key id becomes AES256 in templates; access logs are configured but never written.
- EventBridge: events arrive at once and exactly once, unless a fault was ordered; a refused delivery reaches no
  dead-letter queue.
- CloudWatch: an alarm's periods end now instead of on the clock, and missing data is not looked up further back; only
  SNS topics work as alarm actions; labels know `${LABEL}` alone; there is no GetMetricWidgetImage; of AWS/Bedrock only
  Invocations of deployments are recorded.
- CloudFormation: Retain is honoured, Snapshot is not.
"""
