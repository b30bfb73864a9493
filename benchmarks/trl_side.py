"""The same workloads through TRL's GRPOTrainer, in an environment of its own; `benchmarks/trl.py` calls it.

Same weights (dequantized to float32 by transformers), adapter, prompts, samples, temperature, learning rate and reward.
TRL runs its stock CPU path; on a GPU or with vLLM it is another matter, and not what this compares.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.trainer_shapes import (
    FIRST_LAYER,
    LEARNING_RATE,
    PROMPTS_A_STEP,
    RANK,
    SAMPLES,
    SHAPES,
    STEPS,
    TEMPERATURE,
    Shape,
    reward,
)

_MATRICES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
"""Every linear map of a layer, as the embedded trainer's adapter."""


def _rewards(completions: list[list[dict[str, str]]], **_: object) -> list[float]:
    return [reward(completion[0]["content"]) for completion in completions]


def _one(weights: Path, shape: Shape, steps: int) -> dict[str, Any]:
    # Imported here, and unknown to the type checker: they are installed in the peer's environment only.
    import torch  # type: ignore[import-not-found]
    from datasets import Dataset  # type: ignore[import-not-found]
    from peft import LoraConfig  # type: ignore[import-not-found]
    from transformers import (  # type: ignore[import-not-found]
        AutoModelForCausalLM,
        AutoTokenizer,
        TrainerCallback,
    )
    from trl import GRPOConfig, GRPOTrainer  # type: ignore[import-not-found]

    class Clock(TrainerCallback):  # type: ignore[misc]  # untyped where transformers is not installed
        """Notes wall and CPU time of every step."""

        def __init__(self) -> None:
            self.spent: list[tuple[float, float]] = []

        def on_step_begin(self, *_: object, **__: object) -> None:
            self._began = time.monotonic(), time.process_time()

        def on_step_end(self, *_: object, **__: object) -> None:
            self.spent.append((time.monotonic() - self._began[0], time.process_time() - self._began[1]))

    source = {"pretrained_model_name_or_path": str(weights.parent), "gguf_file": weights.name}
    tokenizer = AutoTokenizer.from_pretrained(**source)
    model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    # The weights are plain float32 by now; transformers still calls the model quantized and would refuse to train it.
    model.config.__dict__.pop("quantization_config", None)
    model.is_quantized = False
    layers = list(range(FIRST_LAYER, model.config.num_hidden_layers))
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = GRPOTrainer(
            model=model,
            reward_funcs=_rewards,
            processing_class=tokenizer,
            train_dataset=Dataset.from_list([{"prompt": prompt} for prompt in shape.prompts()]),
            callbacks=[clock],
            peft_config=LoraConfig(r=RANK, lora_alpha=RANK, target_modules=_MATRICES, layers_to_transform=layers),
            args=GRPOConfig(
                output_dir=folder,
                max_steps=steps,
                per_device_train_batch_size=PROMPTS_A_STEP * SAMPLES,
                num_generations=SAMPLES,
                max_completion_length=shape.max_tokens,
                temperature=TEMPERATURE,
                learning_rate=LEARNING_RATE,
                lr_scheduler_type="constant",
                beta=0.0,
                max_grad_norm=1.0,
                logging_steps=1,
                report_to=[],
                save_strategy="no",
                use_cpu=True,
                bf16=False,
                gradient_checkpointing=False,
                seed=0,
            ),
        )
        trainer.train()
        lengths = [log["completions/mean_length"] for log in trainer.state.log_history if "reward" in log]
    later = clock.spent[1:]
    return {
        "shape": f"{PROMPTS_A_STEP} x {SAMPLES}, {shape.name}",
        "steps": len(clock.spent),
        "completion_tokens": round(fmean(lengths[1:]), 2),
        "first_step_cpu_seconds": round(clock.spent[0][1], 2),
        "step_cpu_seconds": round(fmean(cpu for _, cpu in later), 2),
        "step_seconds": round(fmean(wall for wall, _ in later), 2),
    }


def main(arguments: list[str]) -> int:
    """Measure every shape; arguments: the GGUF file and optionally the number of steps (2 or more, default 6)."""
    if len(arguments) not in (1, 2) or not Path(arguments[0]).is_file():
        print("usage: python -m benchmarks.trl_side GGUF-FILE [STEPS]", file=sys.stderr)
        return 2
    steps = max(2, int(arguments[1])) if len(arguments) == 2 else STEPS
    for shape in SHAPES:
        print(json.dumps(_one(Path(arguments[0]), shape, steps)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
