"""An event that the service sends again is known again."""

from rft_contract.json_value import JsonValue
from rft_runtime.answered_events import AnsweredEvents, event_digest
from rft_runtime.reward_events import read_event


def digest(*samples: tuple[JsonValue, str]) -> str:
    event: list[JsonValue] = [
        {"id": name, "messages": [{"role": "assistant", "content": text}]} for name, text in samples
    ]
    return event_digest(read_event(event))


def test_a_digest_follows_ids_and_completions_in_order() -> None:
    event = digest(("a", "x"), ("b", "y"))
    assert event == digest(("a", "x"), ("b", "y"))
    others = [digest(("b", "y"), ("a", "x")), digest(("a", "x"), ("b", "z")), digest(("a", "x"), ("c", "y")), digest()]
    assert event not in others


def test_a_strange_id_has_a_digest() -> None:
    assert digest((float("nan"), "\ud800"))


def test_events_are_forgotten_after_a_quarter_of_an_hour_and_beyond_a_thousand() -> None:
    now = 0.0
    answered = AnsweredEvents(clock=lambda: now)
    answered.add("first")
    assert "first" in answered
    assert "second" not in answered
    now = 901.0
    assert "first" not in answered
    for number in range(1025):
        answered.add(str(number))
    assert "0" not in answered
    assert "1" in answered
