"""What keeps a row or a message that cannot be read from hurting anybody but whom it is about."""

from tests.guards.mutation import Mutation

UNREADABLE = [
    Mutation(
        "a run is a plain number", "domain/delivery/messages.py", "type(value) is int and ", "value is not None and "
    ),
    Mutation(
        "an id can be the key of a row",
        "domain/delivery/messages.py",
        " or not 1 <= len(text.encode()) <= MAX_TEXT_BYTES",
    ),
    Mutation(
        "what cannot be a key is not looked for",
        "adapters/aws/values.py",
        "return 1 <= len(text.encode()) <= _MAX_KEY_BYTES",
        "return True",
    ),
    Mutation(
        "a message of a newer release waits",
        "application/delivery/worker.py",
        "        if head.of_newer_release:\n",
        "        if False:\n",
    ),
    Mutation(
        "an order that cannot be read is failed",
        "application/delivery/worker.py",
        "        if isinstance(row, UnreadableRow):\n",
        "        if False:\n",
    ),
    Mutation(
        "a row of a newer release is left alone", "adapters/aws/row_fields.py", "return not error.newer", "return True"
    ),
    Mutation(
        "what is settled is not failed unread", "adapters/aws/versioned_rows.py", "[*settled, FAILED]", "[FAILED]"
    ),
    Mutation("what cannot be read fails once", "adapters/aws/versioned_rows.py", "[*settled, FAILED]", "settled"),
    Mutation(
        "what cannot be read is failed only as it was found",
        "adapters/aws/versioned_rows.py",
        '"#version = :found_version"',
        '"#version = :found_version OR attribute_exists(#version)"',
    ),
    Mutation("each write names the form of its row", "adapters/aws/versioned_rows.py", ' or name == "schema"'),
    Mutation(
        "what cannot be read is shown to those alone who may see it",
        "application/orders/read.py",
        "not sees(caller, reading, error.caller)",
        "False",
    ),
    Mutation(
        "a stream sets aside what cannot be read",
        "adapters/changes/streams.py",
        "            except UnreadableRow as error:\n",
        "            except ZeroDivisionError as error:\n",
    ),
    Mutation(
        "a report counts what it leaves out",
        "application/reports/types/orders.py",
        "                asked.left_out.add(line)\n",
        "                pass\n",
    ),
]
