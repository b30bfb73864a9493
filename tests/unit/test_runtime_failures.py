"""Errors of AWS calls get the names that the workflow catches and retries."""

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError
from hypothesis import given
from hypothesis import strategies as st

from rft_contract.outcomes import InvalidDataset, RunFailed, Transient
from rft_runtime.failures import named_failures, one_line
from tests.unit.fakes.service_models import aws_error


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (aws_error("ThrottlingException", "GetModelCustomizationJob", 429), Transient),
        (aws_error("SomethingNew", "GetObject", 503), Transient),
        (EndpointConnectionError(endpoint_url="http://x"), Transient),
        (aws_error("AccessDeniedException", "CreateModelCustomizationJob", 403), RunFailed),
        (aws_error("ServiceQuotaExceededException", "CreateModelCustomizationJob", 400), RunFailed),
        (NoCredentialsError(), RunFailed),
        (InvalidDataset("line 3"), InvalidDataset),
        (KeyError("run_id"), KeyError),
    ],
)
def test_an_error_leaves_a_handler_by_its_name(error: Exception, becomes: type[Exception]) -> None:
    @named_failures
    def handler() -> None:
        raise error

    with pytest.raises(becomes) as left:
        handler()
    assert type(left.value) is becomes


def test_a_refusal_names_the_operation() -> None:
    @named_failures
    def handler() -> None:
        raise aws_error("AccessDeniedException", "CreateModelCustomizationJob", 403)

    with pytest.raises(RunFailed, match=r"^CreateModelCustomizationJob: AccessDeniedException: "):
        handler()


@given(st.text())
def test_a_line_is_one_line(text: str) -> None:
    line = one_line(text)
    assert len(line) <= 500
    assert len(line.splitlines()) <= 1
