"""The connections table: `connection#<id>` for each open WebSocket, and a row for each subscription under its topic.

Subscriptions are looked up by topic, with strongly consistent reads, which an index does not give
(docs/decisions/0012). A connection's own row lists its topics: that limits them, and finds them when it closes.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from comanda.adapters.aws.errors import answering
from comanda.adapters.aws.values import failed_row, from_dynamodb, to_dynamodb
from comanda.application.live.ports import Gone
from comanda.domain.live.subscriptions import (
    MAX_HELD,
    MAX_SUBSCRIPTIONS,
    Connection,
    Notice,
    Subscription,
    Topic,
    TopicKind,
)
from comanda.domain.shared.access import Caller, Origin, known_scopes
from comanda.domain.shared.errors import TooManySubscriptions, Unavailable
from comanda.domain.shared.times import from_iso, to_iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIFETIME = timedelta(hours=2, minutes=10)
"""A little more than API Gateway keeps a WebSocket open, two hours ("Amazon API Gateway quotas")."""

_DELETED_AT_ONCE = 25
"""BatchWriteItem takes no more."""

Row = dict[str, Any]


@dataclass(frozen=True)
class ConnectionTable:
    """Implements `Subscriptions`."""

    client: "DynamoDBClient"
    name: str

    def open(self, connection: Connection) -> None:
        caller = connection.caller
        row = {
            **_connection_key(connection.connection_id),
            "caller": caller.name,
            "origin": caller.origin.value,
            "scopes": sorted(scope.value for scope in caller.scopes),
            "connected_at": to_iso(connection.connected_at),
            "expires_at": _expiry_of(connection),
        }
        with answering("connections table"):
            self.client.put_item(TableName=self.name, Item=to_dynamodb(row))

    def connection(self, connection_id: str) -> Connection | None:
        row = self._get(_connection_key(connection_id))
        if row is None:
            return None
        caller = Caller(row["caller"], Origin(row["origin"]), known_scopes(row["scopes"]))
        return Connection(connection_id, caller, from_iso(row["connected_at"]))

    def close(self, connection_id: str, known: Iterable[Topic] = ()) -> None:
        """What DynamoDB leaves undone is found by the next notice for it, or expires."""
        row = self._get(_connection_key(connection_id)) or {}
        topics = {*row.get("topics", ()), *(topic.key for topic in known)}
        keys = [{"topic": topic, "connection_id": connection_id} for topic in sorted(topics)]
        keys.append(_connection_key(connection_id))
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            deletes: Any = [
                {"DeleteRequest": {"Key": to_dynamodb(key)}} for key in keys[start : start + _DELETED_AT_ONCE]
            ]
            with answering("connections table"):
                self.client.batch_write_item(RequestItems={self.name: deletes})

    def begin(self, connection: Connection, topic: Topic, now: datetime) -> Subscription:
        self._list_topic(connection.connection_id, topic)
        subscription = Subscription(connection.connection_id, topic, str(uuid.uuid4()), now)
        row = {
            **_key_of(subscription),
            "attempt": subscription.attempt,
            "since": to_iso(now),
            "held": [],
            "expires_at": _expiry_of(connection),
        }
        with answering("connections table"):
            self.client.put_item(TableName=self.name, Item=to_dynamodb(row))
        return subscription

    def activate(self, subscription: Subscription, told: int, sent: int) -> Sequence[Notice]:
        there = self._update(
            _key_of(subscription),
            "SET told = :told REMOVE held",
            "attempt = :attempt AND attribute_not_exists(told) AND size(held) = :sent",
            {":told": told, ":attempt": subscription.attempt, ":sent": sent},
        )
        if there is None or there.get("attempt") != subscription.attempt:
            return ()
        # Active by now: boto3 tried again because an answer was lost, and found its own write.
        return () if "told" in there else _held_in(there)

    def hold(self, subscription: Subscription, notices: Sequence[Notice]) -> Subscription | None:
        there = self._update(
            _key_of(subscription),
            "SET held = list_append(held, :notices)",
            "attribute_exists(attempt) AND attribute_not_exists(told) AND size(held) <= :room",
            {
                ":notices": [{"version": notice.version, "text": notice.text} for notice in notices],
                ":room": MAX_HELD - len(notices),
            },
        )
        if not there:
            return None
        if "told" not in there:
            raise Unavailable(f"a new subscription to {subscription.topic.key} holds too much already")
        return _subscription_of(there)

    def told(self, subscription: Subscription, version: int) -> None:
        self._update(
            _key_of(subscription),
            "SET told = :version",
            "attempt = :attempt AND told < :version",
            {":attempt": subscription.attempt, ":version": version},
        )

    def end(self, connection_id: str, topic: Topic) -> None:
        with answering("connections table"):
            self.client.delete_item(
                TableName=self.name, Key=to_dynamodb({"topic": topic.key, "connection_id": connection_id})
            )
        self._update(
            _connection_key(connection_id),
            "DELETE topics :topic",
            "attribute_exists(connection_id)",
            {":topic": {topic.key}},
        )

    def to(self, topic: Topic) -> Sequence[Subscription]:
        with answering("connections table"):
            pages = self.client.get_paginator("query").paginate(
                TableName=self.name,
                KeyConditionExpression="topic = :topic",
                ExpressionAttributeValues=to_dynamodb({":topic": topic.key}),
                ConsistentRead=True,
            )
            return [_subscription_of(from_dynamodb(item)) for page in pages for item in page["Items"]]

    def _list_topic(self, connection_id: str, topic: Topic) -> None:
        there = self._update(
            _connection_key(connection_id),
            "ADD topics :topics",
            "attribute_exists(connection_id) AND "
            "(attribute_not_exists(topics) OR contains(topics, :topic) OR size(topics) < :limit)",
            {":topics": {topic.key}, ":topic": topic.key, ":limit": MAX_SUBSCRIPTIONS},
        )
        if there:
            raise TooManySubscriptions(
                f"a connection has at most {MAX_SUBSCRIPTIONS} subscriptions: end one, or subscribe to a recipient"
            )
        if there is not None:
            raise Gone(connection_id)

    def _get(self, key: Row) -> Row | None:
        with answering("connections table"):
            answer = self.client.get_item(TableName=self.name, Key=to_dynamodb(key), ConsistentRead=True)
        return from_dynamodb(answer["Item"]) if "Item" in answer else None

    def _update(self, key: Row, update: str, condition: str, values: Mapping[str, object]) -> Row | None:
        """None where it was done; else the row that fails the condition, empty where there is none."""
        try:
            with answering("connections table"):
                self.client.update_item(
                    TableName=self.name,
                    Key=to_dynamodb(key),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=to_dynamodb(values),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            return failed_row(error)
        return None


def _connection_key(connection_id: str) -> Row:
    return {"topic": f"connection#{connection_id}", "connection_id": connection_id}


def _key_of(subscription: Subscription) -> Row:
    return {"topic": subscription.topic.key, "connection_id": subscription.connection_id}


def _expiry_of(connection: Connection) -> int:
    return int((connection.connected_at + LIFETIME).timestamp())


def _subscription_of(row: Row) -> Subscription:
    kind, _, topic_id = row["topic"].partition("#")
    return Subscription(
        connection_id=row["connection_id"],
        topic=Topic(TopicKind(kind), topic_id),
        attempt=row["attempt"],
        since=from_iso(row["since"]),
        told=int(row["told"]) if "told" in row else None,
    )


def _held_in(row: Row) -> list[Notice]:
    return [Notice(int(held["version"]), held["text"]) for held in row.get("held", ())]
