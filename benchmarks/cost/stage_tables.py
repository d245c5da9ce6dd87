"""The tables of a stage, as the CDK app has them."""

from typing import Any

from aws_cdk import App
from aws_cdk import aws_dynamodb as cdk_dynamodb

from benchmarks.cost.meter import Table
from benchmarks.cost.units import Index
from infra.settings import StageSettings
from infra.stacks.data_stack import DataStack
from tests.support.websocket_targets import make_connection_table


class Tables:
    """The tables of the data stack, read from its template once: CDK takes seconds."""

    def __init__(self, settings: StageSettings) -> None:
        app = App()
        stack = DataStack(app, "Data", settings=settings)
        resources = app.synth().get_stack_by_name("Data").template["Resources"]
        self.properties: dict[str, dict[str, Any]] = {}
        for construct in stack.node.children:
            if isinstance(construct, cdk_dynamodb.Table):
                logical_id = stack.resolve(construct.node.default_child.logical_id)  # type: ignore[union-attr]
                self.properties[construct.node.id.lower()] = resources[logical_id]["Properties"]

    def create(self, dynamodb: Any) -> dict[str, Table]:
        """All of them; by their real names."""
        wanted = ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode")
        for name, properties in self.properties.items():
            given = {key: properties[key] for key in wanted if key in properties}
            dynamodb.create_table(TableName=table_name(name), **given)
        tables = {table_name(name): _table_of(name, properties) for name, properties in self.properties.items()}
        connections = make_connection_table(dynamodb, table_name("connections")).name
        return {**tables, connections: Table("connections", ("topic", "connection_id"))}


def table_name(called: str) -> str:
    return f"comanda-cost-{called}"


def _table_of(called: str, properties: dict[str, Any]) -> Table:
    keys = tuple(key["AttributeName"] for key in properties["KeySchema"])
    indexes = []
    for index in properties.get("GlobalSecondaryIndexes", []):
        index_keys = frozenset(key["AttributeName"] for key in index["KeySchema"])
        projection = index["Projection"]
        projected = index_keys.union(keys, projection.get("NonKeyAttributes", []))
        everything = projection["ProjectionType"] == "ALL"
        indexes.append(Index(index["IndexName"], index_keys, None if everything else projected))
    return Table(called, keys, tuple(indexes), "StreamSpecification" in properties)
