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
    agents = [agent for folder in folders if (agent := agent_plot.read_curve(folder))]
    players = [] if agents else [player for folder in folders if (player := reinforce_plot.read_curve(folder))]
    if agents and len(agents) < len(folders):
        raise RunError("runs of agents and of networks that learn from records have no page in common: name one kind")
    if players and len(players) < len(folders):
        raise RunError("runs that learn from their games and from records have no page in common: name one kind")
    fitted = [] if agents or players else [curve for folder in folders if (curve := rollout_plot.read_curve(folder))]
    if fitted and len(fitted) < len(folders):
        raise RunError("runs of gozero train rollout and of others have no page in common: name one kind")
    runs = [] if agents or players or fitted else [read_run(name) for name in options.runs]
    judges = [run for run in runs if not run.teaches_moves]
    if judges and len(judges) < len(runs):
        raise RunError("runs that teach moves and runs that teach values alone have no page in common: name one kind")
    if agents:
        agent_plot.draw(agents, out)
    elif players:
        reinforce_plot.draw(players, out)
    elif fitted:
        rollout_plot.draw(fitted, out)
    elif judges:
        value_plot.draw(judges, out)
    else:
        write_report(runs, out)
    print(out)
    return 0
