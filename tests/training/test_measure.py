from training.measure import Measure, share, table


def test_shares_are_to_be_high_and_distances_low() -> None:
    hits = share("dice", "exact", 0.5, [True, True, False])
    assert hits.value == 2 / 3 and hits.reached and hits.interval is not None
    near = Measure("scenes", "MAE", 0.5, 0.7, "9", None, at_most=True)
    assert not near.reached
    assert table([hits, near]).splitlines()[2:] == [
        "| dice | exact | 3 | 50% | 66.7% | 21% – 94% | reached |",
        "| scenes | MAE | 9 | ≤ 0.5 | 0.70 |  |  |",
    ]
