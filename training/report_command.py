"""`gozero report`: the curves of training runs on one page."""

import argparse
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str]) -> int:
    """Entry point of `gozero report`."""
    parser = argparse.ArgumentParser(
        prog="gozero report",
        description="Draw the curves of training runs, also of one that goes on, beside published numbers of others. "
        "Runs of gozero train value get the errors of their values on what is taught and on held-out games. "
        "Runs of gozero train reinforce get their scores against their start and their past. "
        "Runs of gozero train rollout get the loss and the accuracy of both policies. "
        "Agents (dqn, actor-critic, policy-gradient) get learning curves; runs of one name are drawn as one.",
        epilog="example: gozero report runs/first runs/second --out comparison.png",
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folder of a run (--run of gozero train)")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help=".png, .svg or .html file (default: report.png in the first folder)"
    )
    options = parser.parse_args(argv)

    from training import agent_plot, reinforce_plot, rollout_plot, value_plot
    from training.report import write_report
    from training.run_facts import read_run
    from training.run_folder import RunError, RunFolder

    out = options.out or Path(options.runs[0]) / "report.png"
    folders = [RunFolder(name) for name in options.runs]
    for kind, what in (
        (agent_plot, "agents"),
        (reinforce_plot, "gozero train reinforce"),
        (rollout_plot, "gozero train rollout"),
    ):
        curves = [curve for folder in folders if (curve := kind.read_curve(folder))]
        if curves and len(curves) < len(folders):
            raise RunError(f"runs of {what} and of others have no page in common: name one kind")
        if curves:
            kind.draw(curves, out)
            break
    else:
        runs = [read_run(name) for name in options.runs]
        judges = [run for run in runs if not run.teaches_moves]
        if judges and len(judges) < len(runs):
            raise RunError(
                "runs that teach moves and runs that teach values alone have no page in common: name one kind"
            )
        if judges:
            value_plot.draw(judges, out)
        else:
            write_report(runs, out)
    print(out)
    return 0
