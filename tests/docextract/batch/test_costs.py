"""What a batch costs beside the reading, counted in the processes that it consists of.

DOCEXTRACT_FILES=1000 makes it a matter of minutes; -s shows the figures.
"""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from docextract.batch.driver import Options, run_batch
from docextract.batch.extracting import Extracting
from docextract.batch.inputs import File, Inputs
from docextract.batch.job import Outcome
from docextract.batch.ledger import Ledger
from docextract.extraction import extract
from docextract.readers import open_reader

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc"),
]

FILES = int(os.environ.get("DOCEXTRACT_FILES", "160"))
_MIB = 2**20


def processes(of: int) -> Iterator[int]:
    """A process and all below it."""
    yield of
    for task in Path(f"/proc/{of}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from processes(int(child))


def cpu_seconds(process: int) -> float:
    words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(process: int) -> float:
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MIB


@dataclass
class Meter:
    """Notes, each time a document was read, what all processes have taken so far."""

    cpu: list[float] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)

    def tick(self, standing: object) -> None:
        pass

    def read(self, file: File, outcome: Outcome) -> None:
        assert outcome.status == "ok"
        mine = list(processes(os.getpid()))
        self.cpu.append(sum(map(cpu_seconds, mine)))
        self.resident.append(sum(map(resident_mib, mine)))

    def wants_end(self) -> bool:
        return False


@pytest.mark.timeout(1800)
def test_a_batch_costs_little_beside_the_reading_and_its_memory_stays_flat(
    job: Extracting, inbox: Path
) -> None:
    for number in range(FILES):
        page = Image.new("L", (120, 80), 255)
        ImageDraw.Draw(page).text((20, 30), f"Total {number}", fill=0)
        page.save(inbox / f"{number:04}.png")
    meter = Meter()
    with Ledger(inbox.with_name("results.jsonl"), job) as ledger:
        run_batch(job, Inputs([str(inbox)]), ledger, Options(memory=2**31), meter)
    assert len(meter.cpu) == FILES
    begun = FILES // 4
    each = (meter.cpu[-1] - meter.cpu[begun]) / (FILES - 1 - begun)

    reader = open_reader(job.model, job.device)
    before = time.process_time()
    for path in inbox.iterdir():
        extract(path, job.schema, reader, job.settings)
    overhead = each - (time.process_time() - before) / FILES

    grown = meter.resident[-1] - meter.resident[begun]
    sys.stderr.write(f"{1000 * overhead:.1f} ms a document, {grown:+.1f} MiB\n")
    assert overhead < 0.020
    assert grown < 40
