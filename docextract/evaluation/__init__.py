"""How right the records and the counts of a labelled folder are, by a fixed rule."""

from docextract.evaluation.calibration import reliability
from docextract.evaluation.count_labels import CountLabel, holds_counts, load_count_labels
from docextract.evaluation.counts import (
    JudgedCount,
    count_figures,
    count_scores,
    count_table,
    judge_counts,
    worst_counts,
)
from docextract.evaluation.judging import DateOrder, Judge, Judged, Verdict
from docextract.evaluation.labels import Labelled, load_labels
from docextract.evaluation.reading import judge_folder, not_scored
from docextract.evaluation.scores import f1, scores, wilson
from docextract.evaluation.tables import budget_table, score_table, worst_cases

__all__ = [
    "CountLabel",
    "DateOrder",
    "Judge",
    "Judged",
    "JudgedCount",
    "Labelled",
    "Verdict",
    "budget_table",
    "count_figures",
    "count_scores",
    "count_table",
    "f1",
    "holds_counts",
    "judge_counts",
    "judge_folder",
    "load_count_labels",
    "load_labels",
    "not_scored",
    "reliability",
    "score_table",
    "scores",
    "wilson",
    "worst_cases",
    "worst_counts",
]
