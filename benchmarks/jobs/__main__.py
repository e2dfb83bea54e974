"""Jobs, measured on this machine; PostgreSQL and moto's S3 run beside them where they are needed.

python -m benchmarks.jobs queue        # 200 jobs of 20 clients at once
python -m benchmarks.jobs overhead     # a job over an answer in the request
python -m benchmarks.jobs scaling      # two workers over one
python -m benchmarks.jobs memory       # a clip of three hours over one of ten minutes
python -m benchmarks.jobs kills        # SIGKILL five times at random points of a job
python -m benchmarks.jobs database     # what a segment costs the database
"""

import argparse

from benchmarks.jobs import cost, kills, memory, queueing, speed


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="benchmarks.jobs", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(required=True)

    def command(name: str, function: object) -> argparse.ArgumentParser:
        added = commands.add_parser(name)
        added.set_defaults(function=function)
        return added

    one = command("queue", queueing.run)
    one.add_argument("--jobs", type=int, default=200)
    one.add_argument("--clients", type=int, default=20)
    one.add_argument("--seconds", type=int, default=10)
    one = command("overhead", speed.overhead)
    one.add_argument("--seconds", type=int, default=60)
    one.add_argument("--rounds", type=int, default=5)
    one.add_argument("--width", type=int, default=1440, help="pixels; three quarters as high")
    one.add_argument("--postgresql", action="store_true", help="and S3, instead of SQLite and a folder")
    one = command("scaling", speed.scaling)
    one.add_argument("--seconds", type=int, default=600)
    one.add_argument("--rounds", type=int, default=2)
    one = command("memory", memory.run)
    one.add_argument("--minutes", type=int, nargs="+", default=[10, 180])
    one.add_argument("--fps", default="5")
    one = command("kills", kills.run)
    one.add_argument("--kills", type=int, default=5)
    one.add_argument("--rounds", type=int, default=1)
    one = command("cost", cost.run)
    one.add_argument("--seconds", type=int, default=600)
    one.add_argument("--segment", type=float, default=30, help="seconds of a segment")
    one.add_argument("--width", type=int, default=1440, help="pixels; three quarters as high")
    options = parser.parse_args()
    options.function(options)


if __name__ == "__main__":
    main()
