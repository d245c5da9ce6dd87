"""A deterministic simulator: the real handlers in virtual time, through hostile schedules, replayable by seed.

    scheduler    virtual time, and tasks that run one at a time until they wait
    dynamodb     tables with conditions, transactions, a sparse index that lags (expressions: their language)
    sqs          FIFO queues: group locks, visibility, receive counts, deduplication, redrive policy, message moves
    wire         real boto3 clients whose requests end in these two
    functions    Lambda: environments, timeouts, throttles, deployments; event source mappings; a schedule
    faults       what goes wrong, and when
    system       Comanda, put together of all this: a new handler, queue or table joins here
    workload     clients, operators and their habits
    auditor      looks when everything has come to rest (seen_rows: at rows, as an outsider reads them)
    promises     what must hold then: a new promise joins here
    simulation   one seed from start to verdict; `python -m tests.simulation` runs many

docs/proof.md says what it proves, what not, and how to read a failure.
"""
