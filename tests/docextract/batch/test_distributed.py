"""Batches over a Ray of two processors on this machine."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import ray
from ray import cluster_utils

from docextract.batch import distributed
from docextract.batch.driver import Options, Summary, run_batch
from docextract.batch.extracting import Extracting
from docextract.batch.inputs import File, Inputs
from docextract.batch.job import Outcome
from docextract.batch.ledger import Ledger
from docextract.errors import DeviceError, ModelError, UsageError
from docextract.settings import Settings

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray"),
    pytest.mark.skipif(os.name == "nt", reason="Windows has no kill -9"),
]

# Answers, unless the page is of a colour that means harm; then it takes the actor above it along,
# where it is red each time, where it is blue once. Where it is green it takes a while.
_READER = """
import os, signal, time
from itertools import repeat
from pathlib import Path
from docextract.readers.scripted import ScriptedReader

ONCE = Path(__file__).with_name("once")
ACTORS = Path(__file__).with_name("actors")

class Reader(ScriptedReader):
    questions_at_once = 2

    def read(self, images, *rest):
        with ACTORS.open("a") as actors:
            print(os.getppid(), file=actors)
        red, green, blue = (int(part) for part in images[0].reshape(-1, 3).min(0))
        if red > 200 or (blue > 200 and not ONCE.exists()):
            ONCE.touch()
            os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(0.4 * (green > 200))
        return super().read(images, *rest)

def make():
    return Reader(repeat({"total": "9.00"}))
"""


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose modules all workers can import, and a Ray of two processors."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "deadly.py").write_text(_READER)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        ray.init("local", num_cpus=2, num_gpus=0, include_dashboard=False, log_to_driver=False)
        yield folder
        ray.shutdown()


@pytest.fixture
def ray_job(modules: Path) -> Extracting:
    settings = Settings(timeout=60, passwords=("never told",))
    return Extracting("total money", "deadly:make", "cpu", settings)


class Listener:
    """Ends the batch after so many documents, and may do something after the first."""

    def __init__(self, last: int = 10**6, then: Callable[[], None] = lambda: None) -> None:
        self.left = last
        self.then = then

    def tick(self, standing: object) -> None:
        pass

    def read(self, file: File, outcome: Outcome) -> None:
        self.left -= 1
        self.then()
        self.then = lambda: None

    def wants_end(self) -> bool:
        return self.left <= 0


def run(
    job: Extracting, inbox: Path, out: str, listener: Listener | None = None, **options: Any
) -> Summary:
    with Ledger(inbox.with_name(out), job) as ledger:
        return run_batch(
            job,
            Inputs([str(inbox)]),
            ledger,
            Options(jobs=2, memory=2**31, **options),
            listener or Listener(),
        )


def lines(inbox: Path, out: str) -> dict[str, Any]:
    """The results by file, without what the clock decides."""
    text = inbox.with_name(out).read_text("utf-8")
    found = [json.loads(line) for line in text.splitlines()]
    return {line.pop("file"): line | {"seconds": None} for line in found}


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_ray_that_loses_an_actor_gives_what_one_machine_gives(
    ray_job: Extracting, inbox: Path, draw: Callable[[str], Path], modules: Path
) -> None:
    for number in range(20):
        draw(f"{number}.png")
    page = draw("fault_1.png")
    (inbox / "copy.png").write_bytes(page.read_bytes())
    (inbox / os.fsdecode(b"\xff.pdf")).write_bytes(b"%PDF-1.4")
    summary = run(ray_job, inbox, "ray.jsonl", ray="local")
    assert (modules / "once").exists()
    assert summary.states == {"done": 22, "review": 0, "failed": 1}
    actors = set(map(int, (modules / "actors").read_text().split()))
    assert len(actors) > 2
    deadline = time.monotonic() + 20
    while any(map(is_alive, actors)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    run(ray_job, inbox, "one.jsonl")
    assert lines(inbox, "ray.jsonl") == lines(inbox, "one.jsonl")
    assert run(ray_job, inbox, "ray.jsonl", ray="local").read == 0

    logs = Path(ray._private.worker._global_node.get_session_dir_path())
    files = [path for path in logs.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if b"never told" in path.read_bytes()]


def test_what_is_lost_each_time_is_given_up_alone(
    ray_job: Extracting, inbox: Path, draw: Callable[[str], Path]
) -> None:
    for name in ("a.png", "b.png", "crash_1.png", "c.png"):
        draw(name)
    summary = run(ray_job, inbox, "ray.jsonl", ray="local")
    assert summary.states == {"done": 3, "review": 0, "failed": 1}
    [(name, hint)] = summary.failures
    assert name == "crashed" and hint


def test_what_ray_leaves_another_run_finishes(
    ray_job: Extracting, inbox: Path, draw: Callable[[str], Path]
) -> None:
    for number in range(60):
        draw(f"{number}.png")
    summary = run(ray_job, inbox, "r.jsonl", Listener(1), ray="local")
    assert summary.ended == "interrupted"
    assert 0 < summary.read < 60
    assert run(ray_job, inbox, "r.jsonl").read == 60 - summary.read
    assert len(lines(inbox, "r.jsonl")) == 60


def test_a_model_that_does_not_load_ends_the_batch(
    ray_job: Extracting, inbox: Path, draw: Callable[[str], Path]
) -> None:
    draw("a.png")
    with pytest.raises(ModelError, match="no nothing to call"):
        run(replace(ray_job, model="deadly:nothing"), inbox, "r.jsonl", ray="local")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:99999"])
def test_a_cluster_that_is_not_there_is_said_at_once(address: str) -> None:
    with pytest.raises(DeviceError, match="cannot be reached") as caught:
        distributed._connect(address, debug=False)
    assert "6379" in caught.value.hint


def test_without_ray_it_says_what_to_install(
    job: Extracting, inbox: Path, draw: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    draw("a.png")
    monkeypatch.delitem(sys.modules, "docextract.batch.distributed", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError) as caught:
        run(job, inbox, "r.jsonl", ray="local")
    assert "docextract[ray]" in caught.value.hint


def test_a_machine_that_is_lost_costs_nothing(
    ray_job: Extracting, inbox: Path, draw: Callable[[str], Path]
) -> None:
    for number in range(24):
        draw(f"hang_{number}.png")
    ray.shutdown()
    soon = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 500}
    head = {"num_cpus": 1, "include_dashboard": False, "_system_config": soon}
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
    try:
        cluster.connect()  # by the head, which stays
        lost = cluster.add_node(num_cpus=1)
        lose = partial(cluster.remove_node, lost, allow_graceful=False)
        summary = run(ray_job, inbox, "r.jsonl", Listener(then=lose), ray=cluster.address)
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert summary.states == {"done": 24, "review": 0, "failed": 0}
    assert len(lines(inbox, "r.jsonl")) == 24
