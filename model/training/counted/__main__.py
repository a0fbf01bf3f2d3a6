"""`python -m training.counted FOLDER [FOLDER...] OUT`: prepare labelled photos for training."""

import argparse
from pathlib import Path

from training.counted.prepare import prepare


def main() -> None:
    """Prepare the folders, as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m training.counted", description="Prepare photos of counted things."
    )
    parser.add_argument(
        "folders", type=Path, nargs="+", metavar="FOLDER", help="photos with labels.jsonl"
    )
    parser.add_argument(
        "out", type=Path, metavar="OUT", help="where pages were prepared, or any folder"
    )
    arguments = parser.parse_args()
    for name, number in prepare(arguments.folders, arguments.out).items():
        print(f"{number:5} {name}")


if __name__ == "__main__":
    main()
