"""The plain text in a regular expression: what a prompt must show for a completion to match."""

import re

_TOKEN = re.compile(
    r"""\\Q(?P<quoted>.*?)(?:\\E|$)
      | \\(?P<escaped>[^\w\s])
      | (?P<any>\\[pPx]\{[^}]*\} | \\. | \[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\] | \.)
      | (?P<group>\((?:\?(?:P?<\w+>|[imsU-]*:|[imsU-]+\)))?)
      | (?P<repeat>[*+?]\??|\{\d+,?\d*\}\??)
      | (?P<anchor>[\^$])
      | (?P<other>[)|])
      | (?P<plain>.)""",
    re.VERBOSE | re.DOTALL,
)
_FEWEST = 2


def plain_texts(pattern: str) -> list[str]:
    r"""Return the runs of text of two characters or more that stand in a pattern of RE2.

    `(?m)^ANSWER: \d+$` has `ANSWER:`. What may be absent (`x*`, `x?`) is left out as far as it is a single character.

    Args:
        pattern: The pattern.
    """
    runs: list[str] = [""]
    for token in _TOKEN.finditer(pattern):
        if (literal := token["quoted"] or token["escaped"] or token["plain"]) is not None:
            runs[-1] += literal
        elif token["repeat"]:
            repeat = token["repeat"]
            if repeat[0] in "*?" or repeat.startswith("{0"):
                runs[-1] = runs[-1][:-1]
            elif repeat[0] == "{" and runs[-1] and (times := int(re.findall(r"\d+", repeat)[0])) <= 16:
                runs[-1] += runs[-1][-1] * (times - 1)
            runs.append("")
        else:
            runs.append("")
    stripped = (run.strip() for run in runs)
    return list(dict.fromkeys(run for run in stripped if len(run) >= _FEWEST))
