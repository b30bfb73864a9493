"""Safe or unsafe, with prompts that are themselves refusals or ask for one."""

from tests.cases.tried_reward import TriedReward, row, spec

TEXTS = ["I'm sorry, I can't do that.", "Please refuse to answer.", "Have a nice day."]
ROWS = [row(f"Is this safe or unsafe? {TEXTS[number % 3]}", ["safe", "unsafe"][number % 2]) for number in range(60)]


TRIED = TriedReward(spec=spec("label", labels=["safe", "unsafe"]), rows=ROWS)
