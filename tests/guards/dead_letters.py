"""What keeps the promises about reports and notifications that were dead-lettered."""

from tests.guards.mutation import Mutation

DEAD_LETTERS = [
    Mutation(
        "the steward of reports and notifications publishes before it writes",
        "application/tend_one_by_one.py",
        "        self.publisher.publish(rescued)\n",
    ),
    Mutation(
        "a rescue of a report or a notification has a body of its own",
        "application/tend_one_by_one.py",
        "row.rescued(self.clock(), replay + 1)",
        "row.rescued(self.clock(), row.replay + 1)",
    ),
    Mutation(
        "the one rescue of a report or a notification",
        "application/tend_one_by_one.py",
        " and row.rescues < self.max_rescues",
    ),
    Mutation(
        "only the last run of a report or a notification counts",
        "application/tend_one_by_one.py",
        "message is not None and message.replay < last_run[message.row_id]",
        "False",
    ),
    Mutation(
        "the steward leaves a report or a notification that has changed",
        "application/tend_one_by_one.py",
        "        except Overtaken:\n            return\n",
        "        except Overtaken:\n            raise\n",
    ),
]
