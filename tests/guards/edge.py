"""What keeps a hostile or careless request from doing harm at the edge."""

from tests.guards.mutation import Mutation

EDGE = [
    Mutation(
        "lines of one header that differ are no guess",
        "adapters/http/given.py",
        "    if len(given) > 1:\n        written = ",
        "    if not given and len(given):\n        written = ",
    ),
    Mutation(
        "an id in a path is decoded",
        "adapters/http/given.py",
        "        return unquote_to_bytes(text).decode()\n",
        "        return text\n",
    ),
    Mutation(
        "an id that nothing can have is looked for nowhere",
        "adapters/http/given.py",
        "is_id(value) for name, value in values.items()",
        "True for name, value in values.items()",
    ),
    Mutation(
        "both spellings of a key are one",
        "adapters/http/key_header.py",
        "return HeaderKey(value, text if",
        "return HeaderKey(text, text if",
    ),
    Mutation(
        "an order that an older release made under the quoted text",
        "application/orders/accept.py",
        "self.orders.get(older.order_id) is not None",
        "older is None",
    ),
    Mutation(
        "a report that an older release made under the quoted text",
        "application/reports/accept.py",
        "self.reports.get(request.report_id(key.quoted)) is not None",
        "key is None",
    ),
    Mutation(
        "a number has a bounded exponent",
        "domain/shared/strict_json.py",
        "if abs(number.adjusted()) <= MAX_EXPONENT:",
        "if number is not None:",
    ),
    Mutation(
        "no half of a surrogate pair",
        "domain/shared/strict_json.py",
        "        _check_unicode(value)\n",
        "        pass\n",
    ),
    Mutation(
        "the first of very many broken rules",
        "domain/shared/errors.py",
        "errors[:MAX_FIELD_ERRORS]",
        "errors",
    ),
    Mutation(
        "the text of an unexpected error is for the log",
        "application/delivery/worker.py",
        'f"an unexpected error in {stage}; our log has it under the id of this {kind}"',
        "str(error)",
    ),
]
