"""All services of the fake account. Every request to Bedrock is checked against botocore's service model."""

from dataclasses import dataclass, field
from typing import cast

from rft_runtime.clients import Clients
from rft_runtime.platform import Platform
from tests.unit.fakes.account import BUCKET, SIGNING_KEY
from tests.unit.fakes.bedrock import FakeBedrock
from tests.unit.fakes.bedrock_runtime import FakeRuntime
from tests.unit.fakes.cloudwatch import FakeCloudWatch
from tests.unit.fakes.events import FakeEvents
from tests.unit.fakes.functions import FakeLambda
from tests.unit.fakes.iam import FakeIam
from tests.unit.fakes.kms import FakeKms
from tests.unit.fakes.quotas import FakeQuotas
from tests.unit.fakes.s3 import FakeS3
from tests.unit.fakes.sns import FakeSns
from tests.unit.fakes.ssm import FakeSsm
from tests.unit.fakes.states import FakeStates
from tests.unit.fakes.sts import FakeSts


@dataclass
class FakeAws:
    s3: FakeS3 = field(default_factory=FakeS3)
    functions: FakeLambda = field(default_factory=FakeLambda)
    bedrock: FakeBedrock = field(default_factory=FakeBedrock)
    bedrock_runtime: FakeRuntime = field(default_factory=FakeRuntime)
    sns: FakeSns = field(default_factory=FakeSns)
    cloudwatch: FakeCloudWatch = field(default_factory=FakeCloudWatch)
    ssm: FakeSsm = field(default_factory=FakeSsm)
    events: FakeEvents = field(default_factory=FakeEvents)
    states: FakeStates = field(default_factory=FakeStates)
    sts: FakeSts = field(default_factory=FakeSts)
    iam: FakeIam = field(default_factory=FakeIam)
    kms: FakeKms = field(default_factory=FakeKms)
    quotas: FakeQuotas = field(default_factory=FakeQuotas)

    @property
    def grading(self) -> FakeLambda:
        return self.functions

    @property
    def signing(self) -> FakeKms:
        return self.kms

    def platform(self) -> Platform:
        clients = cast(Clients, self)
        return Platform(environment="dev", bucket_name=BUCKET, clients=clients, signing_key=SIGNING_KEY)
