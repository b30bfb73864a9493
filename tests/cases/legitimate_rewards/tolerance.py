"""Numbers within a declared tolerance."""

from tests.cases.tried_reward import TriedReward, math_rows, spec

TRIED = TriedReward(spec=spec("numeric", rel=0.01), rows=math_rows())
