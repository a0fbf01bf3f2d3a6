"""`python -m training.real FOLDER [FOLDER...] OUT`: prepare labelled folders for training."""

import argparse
from pathlib import Path

from training.real.prepare import prepare


def main() -> None:
    """Prepare the folders, as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m training.real", description="Prepare labelled pages for training."
    )
    parser.add_argument(
        "folders", type=Path, nargs="+", metavar="FOLDER", help="pictures or PDFs with labels.jsonl"
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="small pictures and pages.jsonl.gz")
    arguments = parser.parse_args()
    pages = prepare(arguments.folders, arguments.out)
    size = sum(path.stat().st_size for path in arguments.out.iterdir())
    print(f"{pages} pages prepared, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
