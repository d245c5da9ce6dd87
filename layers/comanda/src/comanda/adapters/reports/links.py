"""Presigned links: the file comes straight from the storage (B5), for as long as a link lives."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from comanda.adapters.aws.errors import answering
from comanda.domain.reports.report import Report

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_LINK_SECONDS = 900


@dataclass(frozen=True)
class BucketLinks:
    """Implements `ReportLinks`. Signed on this machine, without a call; a link dies with the session that signed it
    too ("Sharing objects with presigned URLs")."""

    client: "S3Client"
    """With S3_CONFIG (world.py)."""
    bucket: str
    seconds: int = MAX_LINK_SECONDS

    def link_to(self, report: Report) -> str:
        if report.file is None:
            raise ValueError(f"report {report.report_id} has no file")
        with answering("reports bucket"):
            return self.client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self.bucket,
                    "Key": report.file.key,
                    "ResponseContentDisposition": f'attachment; filename="{report.file_name}"',
                },
                ExpiresIn=self.seconds,
            )
