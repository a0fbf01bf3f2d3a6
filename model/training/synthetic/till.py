"""One till's habits, and the page it is printing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.synthetic.flow import PLAIN, Cell, Plan, Row, Style
from training.synthetic.values import Country, Money, pick
from training.synthetic.words import Words


@dataclass
class Item:
    """An item as printed; `tag` is the tax mark behind the amount."""

    description: str
    quantity: int
    price: int
    amount: int
    code: str
    tag: str


@dataclass
class Till:
    """One till's habits, and the page it is printing."""

    rng: np.random.Generator
    words: Words
    where: str
    country: Country
    says: dict[str, tuple[str, ...]]
    money: Money
    sign_mode: str
    plan: Plan
    case: Callable[[str], str]
    colon: str
    total_style: Style
    record: dict[str, Any] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    amount_edge: float = 1.0
    label_at: float = 0.0

    def label(self, key: str) -> str:
        return self.case(pick(self.rng, self.says[key]))

    def pair(self, label: str, value: str, style: Style = PLAIN) -> None:
        """A label on the left, its value hung at the right edge of the numbers."""
        at = self.amount_edge
        self.plan.add(
            Cell(label + self.colon, self.label_at, style=style),
            Cell(value, at, "right", style),
        )


def rule(till: Till) -> None:
    """A line of dashes, a ruled line, or some space."""
    rng, plan = till.rng, till.plan
    roll = rng.random()
    if roll < 0.55:
        mark = pick(rng, ("-", "-", "-", "=", "*", "_", ".", "- "))
        count = int(plan.columns * float(rng.uniform(0.8, 1.0)) / len(mark))
        plan.add(Cell((mark * count).strip(), 0.0))
    elif roll < 0.8:
        plan.rows.append(Row(above=0.2, below=0.3, rule=True))
    else:
        plan.gap(float(rng.uniform(0.3, 1.0)))
