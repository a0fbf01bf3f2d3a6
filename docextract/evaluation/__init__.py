"""How right the records of a labelled folder are, by a fixed rule."""

from docextract.evaluation.calibration import reliability
from docextract.evaluation.judging import DateOrder, Judge, Judged, Verdict
from docextract.evaluation.labels import Labelled, load_labels
from docextract.evaluation.reading import judge_folder, not_scored
from docextract.evaluation.scores import f1, scores, wilson
from docextract.evaluation.tables import budget_table, score_table, worst_cases

__all__ = [
    "DateOrder",
    "Judge",
    "Judged",
    "Labelled",
    "Verdict",
    "budget_table",
    "f1",
    "judge_folder",
    "load_labels",
    "not_scored",
    "reliability",
    "score_table",
    "scores",
    "wilson",
    "worst_cases",
]
