#!/bin/sh
# moto 5 runs a TransactWriteItems again whose ClientRequestToken was used before.
#
# AWS ("TransactWriteItems", Amazon DynamoDB API Reference): providing a ClientRequestToken makes the call idempotent;
# within ten minutes, the same token with the same request changes nothing and succeeds.
# Seen: the second call with the same token adds 1 once more. Who tests a retry of a transaction on moto sees it doubled,
# or, where the transaction has conditions, sees the retry refused, and neither would happen on AWS.
#
# Exit status 0: as described. 1: moto behaves otherwise by now.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'moto[dynamodb]==5.2.5' 'boto3==1.44.5'
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import boto3
from moto import mock_aws

with mock_aws():
    client = boto3.client("dynamodb", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    client.create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    add_one = {
        "TableName": "t",
        "Key": {"id": {"S": "a"}},
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    for _ in range(2):
        client.transact_write_items(TransactItems=[{"Update": add_one}], ClientRequestToken="the-same-token")
    seen = client.get_item(TableName="t", Key={"id": {"S": "a"}})["Item"]["n"]["N"]
print(f"moto {version('moto')}: after the same transaction with the same token, n is {seen}; on AWS it is 1")
sys.exit(0 if seen == "2" else 1)
PYTHON
