"""Tables on moto that are made once, and given to each test as they were when they were new.

Twenty calls that make the same tables take longer than most tests.
"""

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import boto3
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from tests.support.report_targets import ReportResources, make_report_resources
from tests.support.targets import Resources, make_resources

NAME, REPORT_NAME = "test-on-moto", "test-reports-on-moto"


class MotoTables:
    """The tables of a session's tests. Use within `mock_aws`, which forgets all there was."""

    def __init__(self, session: boto3.Session) -> None:
        self._session = session
        with mock_aws():
            make_resources(session, NAME)
            self._tables = self._take()
        with mock_aws():
            make_report_resources(session, ThreadPoolExecutor(1), REPORT_NAME)
            self._report_tables = self._take()

    def resources(self) -> Resources:
        """With clients of their own: what one test hangs on a client is no other's."""
        self._put(self._tables)
        return make_resources(self._session, NAME, tables_are_there=True)

    def report_resources(self, reading: ThreadPoolExecutor) -> ReportResources:
        self._put(self._report_tables)
        return make_report_resources(self._session, reading, REPORT_NAME, tables_are_there=True)

    def _take(self) -> Any:
        return deepcopy(dynamodb_backends[DEFAULT_ACCOUNT_ID][self._session.region_name].tables)

    def _put(self, tables: Any) -> None:
        dynamodb_backends[DEFAULT_ACCOUNT_ID][self._session.region_name].tables = deepcopy(tables)
