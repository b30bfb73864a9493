"""The embedded trainer: GRPO with LoRA on a small real model, in plain JAX, on two cores.

`StandIn` answers prompts, `train` improves it against a reward function, `plan_training` says which of Bedrock's
hyperparameters it honours. Everything is computed on token trees (`tree.py`): a prefix that several prompts or rollouts
share is computed once, in sampling as in the update.
"""
