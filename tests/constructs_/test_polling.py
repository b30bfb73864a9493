import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_rft import PlatformSettings
from bedrock_rft.polling import EVENT_BUDGET, EVENTS_PER_POLL, check_event_budget, polling_events


def settings(first: int, longest: int) -> PlatformSettings:
    return PlatformSettings(environment="dev", poll_first_seconds=first, poll_max_seconds=longest)


def simulated(config: PlatformSettings, hours: float) -> int:
    """Count the polls of a run that never finishes, one by one."""
    elapsed, wait, polls = 0, config.poll_first_seconds, 0
    while elapsed < int(hours * 3600):
        elapsed += wait
        polls += 1
        wait = min(2 * wait, config.poll_max_seconds)
    return polls * EVENTS_PER_POLL


@given(st.integers(1, 60), st.integers(0, 300), st.integers(0, 20_000))
def test_the_bound_is_what_a_run_without_end_writes(first: int, more: int, seconds: int) -> None:
    config = settings(first, first + more)
    assert polling_events(config, seconds / 3600) == simulated(config, seconds / 3600)


def test_the_default_settings_leave_most_of_the_history_free() -> None:
    assert polling_events(PlatformSettings(environment="dev"), 60) == 10_818


@given(st.integers(1, 60), st.integers(0, 60), st.floats(0.1, 200))
def test_the_suggested_interval_fits(first: int, more: int, hours: float) -> None:
    config = settings(first, first + more)
    try:
        check_event_budget(config, hours)
    except ValueError as error:
        least = int(str(error).partition("at least ")[2].split()[0])
        assert least > config.poll_max_seconds
        check_event_budget(settings(first, least), hours)
    else:
        assert polling_events(config, hours) <= EVENT_BUDGET


def test_the_refusal_says_what_to_do() -> None:
    with pytest.raises(ValueError) as caught:
        check_event_budget(settings(1, 3), 48)
    assert str(caught.value) == (
        "polling every 3 s for 48 h writes 518409 history events, the budget is 20000 of Step Functions' 25000: "
        "set poll_max_seconds to at least 79 or shorten the hours"
    )
