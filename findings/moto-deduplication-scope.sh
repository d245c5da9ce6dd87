#!/bin/sh
# moto 5 deduplicates FIFO messages across message groups, also in a queue whose DeduplicationScope is messageGroup.
#
# AWS ("High throughput for FIFO queues in Amazon SQS"; "SetQueueAttributes"): with DeduplicationScope messageGroup, the
# same deduplication id in another group is another message.
# Seen: of two messages with one deduplication id in two groups, the second is dropped in silence. Who sends the same
# body to two groups, and tests on moto, finds one message missing that would be there on AWS.
#
# Exit status 0: as described. 1: moto behaves otherwise by now.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'moto[sqs]==5.2.5' 'boto3==1.44.5'
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import boto3
from moto import mock_aws

with mock_aws():
    client = boto3.client("sqs", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    attributes = {"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    url = client.create_queue(QueueName="q.fifo", Attributes=attributes)["QueueUrl"]
    for group in ("a", "b"):
        client.send_message(QueueUrl=url, MessageBody="hello", MessageGroupId=group, MessageDeduplicationId="one-id")
    received = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
print(f"moto {version('moto')}: {len(received)} of 2 messages with one id in two groups; on AWS there are 2")
sys.exit(0 if len(received) == 1 else 1)
PYTHON
