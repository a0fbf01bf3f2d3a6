import cv2
import numpy as np
import pytest

from training.synthetic.wear import _FAULTS, wear


def _printed(paper: int) -> np.ndarray:
    page = np.full((280, 420), paper, np.uint8)
    for line in range(6):
        cv2.putText(
            page, "RECEIPT No 8356", (12, 40 + 42 * line), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 20, 3
        )
    return page


@pytest.mark.parametrize("fault", _FAULTS, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("paper", [255, 190])
def test_a_fault_changes_the_print_and_leaves_the_paper(fault, paper: int) -> None:  # type: ignore[no-untyped-def]
    page = _printed(paper)
    far = cv2.erode(page, np.ones((15, 15), np.uint8)) == paper
    for seed in range(8):
        before = page.copy()
        worn = fault(np.random.default_rng(seed), page, 30.0)
        assert worn.shape == page.shape and worn.dtype == np.uint8
        assert np.array_equal(page, before)
        assert np.abs(worn[far].astype(int) - paper).max() <= 4
        assert (worn != page).any()
        # What was printed can still be told from the paper.
        assert worn[page < 40].mean() < paper - 25


def test_the_same_seed_wears_the_same_way() -> None:
    page = _printed(255)
    for seed in range(10):
        one, two = (wear(np.random.default_rng(seed), page.copy(), 20.0) for _ in range(2))
        assert np.array_equal(one, two)
