"""`python -m rft_local.bedrock`: serve Amazon Bedrock on this machine."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from rft_local.bedrock.endpoint import Endpoint
from rft_local.bedrock.endpoint_settings import Delivery, EndpointSettings, FieldPlace, GraderSettings, Nested
from rft_local.bedrock.judge_settings import JudgeSettings
from rft_local.bedrock.server import Server
from rft_local.bedrock.stand_in_engine import StandInEngine
from rft_local.bedrock.undocumented import Undocumented
from rft_local.local_error import LocalError
from rft_local.port import check_port


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT.

    Args:
        arguments: The command line; None takes the process's own.

    Returns:
        Exit status: 0 after a signal, 1 when it cannot start.
    """
    asked = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    for noisy in ("botocore", "jax"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    try:
        check_port(asked.port, "--port")
        settings = _settings(asked)
        if not asked.weights.is_file():
            raise ValueError(f"--weights {asked.weights}: no such file; `make setup` fetches it")
        endpoint = Endpoint(settings, StandInEngine(asked.weights, settings.budget_seconds))
        server = Server(asked.port, endpoint)
    except (LocalError, ValueError, OSError) as error:
        print(f"rft_local.bedrock: {error}", file=sys.stderr)
        return 1
    _serve(server, endpoint)
    return 0


def _serve(server: Server, endpoint: Endpoint) -> None:
    """Serve until a signal comes, then end without waiting for what the model computes."""
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    endpoint.start()
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()
    logging.getLogger(__name__).info("listening on %s", server.url)
    ended.wait()
    server.shutdown()
    endpoint.stop()
    logging.shutdown()
    # A thread inside XLA cannot be interrupted, and the interpreter would wait for it or crash in it.
    os._exit(0)


def _settings(asked: argparse.Namespace) -> EndpointSettings:
    return EndpointSettings(
        emulator_url=asked.emulator_url,
        state=asked.state / "bedrock",
        seed=asked.seed,
        budget_seconds=asked.budget_seconds,
        deployment_seconds=asked.deployment_seconds,
        grader=GraderSettings(
            delivery=Delivery(asked.delivery),
            fields=FieldPlace(asked.reference),
            nested=Nested(asked.nested),
            wrap_text=asked.wrap_text,
            assistant_role=asked.assistant_role,
            event_size=asked.event_size,
            shuffle_rewards=asked.shuffle_rewards,
        ),
        judge=JudgeSettings(
            noise=asked.judge_noise,
            verbosity_bias=asked.judge_verbosity_bias,
            position_bias=asked.judge_position_bias,
            throttled_share=asked.judge_throttled_share,
            malformed_share=asked.judge_malformed_share,
            seed=asked.seed,
        ),
        undocumented=Undocumented.from_options(asked),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rft_local.bedrock", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=4567, help="port on 127.0.0.1 (default 4567)")
    add("--emulator-url", required=True, help="base URL of the emulator in front")
    add("--state", type=Path, required=True, help="folder; records and adapters go to `bedrock/` in it")
    add("--weights", type=Path, required=True, help="the stand-in's GGUF file")
    add("--seed", type=int, default=0, help="seed of training and sampling (default 0)")
    add("--budget-seconds", type=float, default=240.0, help="longest training (default 240)")
    add("--deployment-seconds", type=float, default=2.0, help="how long a deployment is Creating (default 2)")
    add("--delivery", choices=[item.value for item in Delivery], default="whole", help="how rollouts fill events")
    add(
        "--reference", choices=[item.value for item in FieldPlace], default="metadata", help="where extra fields arrive"
    )
    add("--nested", choices=[item.value for item in Nested], default="kept", help="how mappings and lists arrive")
    add("--wrap-text", action="store_true", help='a reference answer that is a string arrives as {"text": ...}')
    add("--assistant-role", choices=["assistant", "nova_assistant"], default="assistant", help="role of the last turn")
    add("--event-size", type=int, default=64, help="most rollouts in one event (default 64)")
    add("--shuffle-rewards", action="store_true", help="a control: deal each step's rewards out at random")
    Undocumented.add_options(parser)
    judge = JudgeSettings()
    for name, default, meaning in (
        ("noise", judge.noise, "standard deviation of its grades, as a share of the scale"),
        ("verbosity-bias", judge.verbosity_bias, "what a long answer gains, as a share of the scale"),
        ("position-bias", judge.position_bias, "what the first of two answers gains, as a share of the scale"),
        ("throttled-share", judge.throttled_share, "share of its requests that are throttled"),
        ("malformed-share", judge.malformed_share, "share of its answers that break the form"),
    ):
        add(f"--judge-{name}", type=float, default=default, help=f"judge stand-in: {meaning} (default {default:g})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
