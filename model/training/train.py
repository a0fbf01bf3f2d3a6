"""`python -m training.train` or `torchrun --nproc-per-node N -m training.train`."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.distributed as dist

from training import places
from training.bundled import configuration, exported_configuration
from training.feed import Sources
from training.stages import rehearsal, stages, warm_stages
from training.trainer import Plan, Trainer


def main(words: Sequence[str] | None = None) -> None:
    """Train as the command line says."""
    arguments = _arguments(words)
    arguments.out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cpu")
    if torch.cuda.is_available():
        # A rank may see its own GPU alone.
        index = int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count()
        device = torch.device("cuda", index)
        torch.cuda.set_device(device)
        torch.backends.cuda.matmul.allow_tf32 = True
    if "RANK" in os.environ:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    recipe = warm_stages() if arguments.exported else stages()
    plan = Plan(
        stages=rehearsal(recipe) if arguments.rehearse else recipe,
        sources=Sources(arguments.fonts, arguments.words, arguments.real),
        out=arguments.out,
        seconds=arguments.seconds,
        rate=arguments.rate,
        fall=arguments.fall,
        drawn=4 if arguments.rehearse else 128,
        workers=arguments.workers,
        compiled=device.type == "cuda",
        seed=arguments.seed,
    )
    if arguments.exported:
        trainer = Trainer(plan, exported_configuration(arguments.exported), device)
        trainer.go_on_from(arguments.exported)
        if arguments.new_places:
            places.lay_out(trainer.pupil.model)
    else:
        trainer = Trainer(plan, configuration(tiny=arguments.rehearse), device)
    if arguments.resume:
        trainer.load(arguments.resume)
    if arguments.weights:
        trainer.start_from(arguments.weights, arguments.stage)
    trainer.run()
    if dist.is_initialized():
        dist.destroy_process_group()


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Teach the bundled model to read.")
    parser.add_argument("--fonts", type=Path, required=True, help="folder of .ttf and .otf faces")
    parser.add_argument("--words", type=Path, required=True, help="word list, one word a line")
    parser.add_argument("--real", type=Path, help="folder written by training.real")
    parser.add_argument("--out", type=Path, required=True, help="states, checkpoints and the log")
    parser.add_argument("--seconds", type=float, default=1320.0, help="clock of the whole run")
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate at its height")
    parser.add_argument(
        "--fall", type=float, default=0.6, help="share of the clock over which the rate falls"
    )
    parser.add_argument("--workers", type=int, default=14, help="drawing processes a GPU")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--from", type=Path, dest="exported", help="folder of an exported model to go on from"
    )
    parser.add_argument(
        "--new-places", action="store_true", help="with --from: learn to point from the beginning"
    )
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--resume", type=Path, help="a state.pt to go on from")
    begin.add_argument("--weights", type=Path, help="a pupil.safetensors to begin with")
    parser.add_argument("--stage", default="documents", help="stage that --weights begins at")
    parser.add_argument("--rehearse", action="store_true", help="tiny model, a few steps a stage")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
