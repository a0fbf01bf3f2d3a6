import pytest

from docextract.batch import processes


@pytest.mark.skipif(not hasattr(processes.os, "sysconf"), reason="asks for the memory")
@pytest.mark.parametrize(
    ("device", "driver", "gib", "expected"),
    [
        ("cpu", False, 64, 16),
        ("cpu", True, 64, 16),
        ("auto", False, 64, 16),
        ("auto", True, 64, 1),
        ("cuda", True, 64, 1),
        ("cpu", False, 8, 4),
        ("cpu", False, 1, 1),
    ],
)
def test_processes_suit_the_machine(
    device: str, driver: bool, gib: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "processors", lambda: 16)
    monkeypatch.setattr(processes, "_has_gpu_driver", lambda: driver)
    sizes = {"SC_PHYS_PAGES": gib * 2**18, "SC_PAGE_SIZE": 2**12}
    monkeypatch.setattr(processes.os, "sysconf", sizes.__getitem__)
    assert processes.processes_for(device) == expected
