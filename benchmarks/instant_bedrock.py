"""The embedded Amazon Bedrock without model time; the API is the same. `rft_local.lifecycle.up` can start it.

Base model and tuned model answer at once: the base model always with one label, the tuned one with the right label, or
with the right one for that share of the prompts which the field `skill` of its first training row says.
"""

import argparse
import logging
import signal
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path

from rft_local.bedrock.endpoint import Endpoint
from rft_local.bedrock.endpoint_settings import EndpointSettings
from rft_local.bedrock.engine import Completion, Decoding, Message, Rollout, TrainingHooks, TrainingStep, TrainingTask
from rft_local.bedrock.server import Server

LABELS = ("billing", "delivery")
HINTS = {"the invoice is wrong": "billing", "the parcel is late": "delivery"}


class InstantEngine:
    """Knows the answers, and needs no time to give them; a training is one step."""

    name = "no model"

    def load(self) -> None:
        """Nothing to load."""

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Words count as tokens."""
        return sum(len(message["content"].split()) for message in messages)

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        *,
        adapter: Path | None,
        samples: int,
        decoding: Decoding,
        seed: int,
    ) -> Sequence[Sequence[Completion]]:
        """Answer with a label."""
        return [[Completion(_label(prompt, adapter), 2, "end_turn")] * samples for prompt in prompts]

    def train(self, task: TrainingTask, hooks: TrainingHooks) -> None:
        """Have one group rewarded."""
        hooks.planned(1, [])
        samples = task.hyperparameters.trainingSamplePerPrompt
        rewards = hooks.reward([Rollout(task.rows[0], LABELS[sample % 2], 0) for sample in range(samples)])
        hooks.stepped(
            TrainingStep(
                step=0,
                steps=1,
                epoch=0,
                reward=sum(rewards) / len(rewards),
                validation_reward=None,
                episode_length=2.0,
                policy_entropy=0.7,
                gradient_norm=1.0,
                mixed_groups=1.0,
                seconds=0.0,
            )
        )
        task.adapter.write_text(str(task.rows[0].fields.get("skill", 1.0)))


def _label(prompt: Sequence[Message], adapter: Path | None) -> str:
    text = prompt[-1]["content"]
    if adapter is None or zlib.crc32(text.encode()) % 100 >= 100 * float(adapter.read_text()):
        return LABELS[0]
    return next(label for hint, label in HINTS.items() if hint in text)


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--emulator-url", required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="not read: there is no model")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    settings = EndpointSettings(
        emulator_url=asked.emulator_url, state=asked.state / "bedrock", deployment_seconds=0, batch_seconds=0
    )
    endpoint = Endpoint(settings, InstantEngine())
    server = Server(asked.port, endpoint)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    endpoint.start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ended.wait()
    server.shutdown()
    endpoint.stop()


if __name__ == "__main__":
    main()
