"""A deterministic simulator: the real handlers in virtual time, through hostile schedules, replayable by seed.

    scheduler    virtual time, and tasks that run one at a time until they wait
    dynamodb     tables with conditions, transactions, a sparse index that lags (expressions: their language)
    sqs          FIFO queues: group locks, visibility, receive counts, deduplication, redrive policy, message moves
    s3           whole objects, and uploads in parts (s3_wire: its REST dialect)
    wire         real boto3 clients whose requests end in these three
    functions    Lambda: environments, timeouts, throttles, deployments; event source mappings; a schedule
    faults       what goes wrong, and when
    system       Comanda, put together of all this: a new handler, queue or table joins here (report_system: of reports)
    workload     clients, operators and their habits (report_workload: those of reports)
    auditor      looks when everything has come to rest (seen_rows, seen_reports: at rows, as an outsider reads them)
    promises     what must hold then: a new promise joins here (report_promises, and report_files: of what files hold)
    simulation   one seed from start to verdict; `python -m tests.simulation` runs many

docs/proof.md says what it proves, what not, and how to read a failure.
"""
