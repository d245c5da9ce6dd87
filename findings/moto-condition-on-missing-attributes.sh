#!/bin/sh
# moto 5 calls two attributes that an item does not have equal in a condition.
#
# AWS ("Comparison operator and function reference" for expressions in DynamoDB): a comparison is about values, and an
# attribute that is not there has none, so that the comparison is not true and a conditional write is refused.
# Seen: `left = right` holds for an item that has neither, and the write goes through. Who guards a write by comparing
# two attributes (a version with one that was read) sees on moto a write that AWS refuses.
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
    client.put_item(TableName="t", Item={"id": {"S": "a"}})
    try:
        client.put_item(
            TableName="t",
            Item={"id": {"S": "a"}, "written": {"BOOL": True}},
            ConditionExpression="#left = #right",
            ExpressionAttributeNames={"#left": "left", "#right": "right"},
        )
        seen = "written"
    except client.exceptions.ConditionalCheckFailedException:
        seen = "refused"
print(f"moto {version('moto')}: a write under the condition that two missing attributes are equal is {seen}; on AWS refused")
sys.exit(0 if seen == "written" else 1)
PYTHON
