"""What a job leaves behind is read as far as it goes."""

from hypothesis import given
from hypothesis import strategies as st

from rft_runtime.data_bucket import DataBucket
from rft_runtime.training_output import AskedUsed, Step, read_steps, read_training_output
from tests.unit.fakes.aws import FakeAws

JOB = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-2-lite-v1:0:256k/abcdefghijkl"
FOLDER = "runs/a/job/model-customization-job-abcdefghijkl/training_artifacts/"


def bucket(files: dict[str, bytes]) -> DataBucket:
    aws = FakeAws()
    for name, body in files.items():
        aws.s3.put(FOLDER + name, body)
    return aws.platform().bucket


def test_bedrocks_documented_columns_give_steps_without_rewards() -> None:
    table = b"step_number,epoch_number,training_loss,perplexity\n0,0,1.5,4.5\n1,0,1.4,4.1\n"
    output = read_training_output(bucket({"step_wise_training_metrics.csv": table}), "runs/a/job", JOB)
    assert output.steps == [Step(step=0), Step(step=1)]
    assert (output.embedded.stand_in, output.embedded.peak_memory_mb) == (None, None)


def test_the_embedded_columns_and_file_are_read() -> None:
    table = b"step_number,reward,validation_reward,mixed_groups,seconds\n1,0.25,,0.5,3\n2,0.5,0.75,1,3\n"
    embedded = (
        b'{"stand_in":"SmolLM2-135M-Instruct","peak_memory_mb":2800,'
        b'"asked_used":[{"name":"batchSize","asked":64,"used":16,"why":"capped"}]}'
    )
    files = {"step_wise_training_metrics.csv": table, "embedded_run.json": embedded}
    output = read_training_output(bucket(files), "runs/a/job", JOB)
    assert output.steps[0] == Step(step=1, reward=0.25, mixed_groups=0.5)
    assert output.steps[1].validation_reward == 0.75
    assert output.embedded.asked_used == [AskedUsed(name="batchSize", asked=64, used=16, why="capped")]
    assert output.embedded.peak_memory_mb == 2800


def test_a_job_without_output_gives_nothing() -> None:
    assert read_training_output(bucket({}), "runs/a/job", JOB).steps == []


def test_damaged_files_are_left_out_and_end_nothing() -> None:
    files = {
        "step_wise_training_metrics.csv": b"step_number,reward\n0,0.5\n1,\xc3",
        "embedded_run.json": b'{"stand_in":',
    }
    output = read_training_output(bucket(files), "runs/a/job", JOB)
    assert output.steps == [Step(step=0, reward=0.5), Step(step=1)]
    assert output.embedded.stand_in is None
    binary = dict.fromkeys(files, bytes(range(256)))
    assert read_training_output(bucket(binary), "runs/a/job", JOB).steps == []


@given(st.text(max_size=200))
def test_no_table_is_too_strange(text: str) -> None:
    for step in read_steps("step_number,reward\n" + text):
        assert isinstance(step.step, int)
