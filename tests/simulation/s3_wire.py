"""S3's REST dialect: what boto3 sends, read into the fields it was made of, and answers put into headers and XML."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSPreparedRequest

from tests.simulation.errors import AwsError

_HEADERS = {"IfNoneMatch": "If-None-Match", "IfMatch": "If-Match", "Range": "Range", "ContentType": "Content-Type"}
_METADATA = "x-amz-meta-"
_PART = re.compile(r"<Part>(.*?)</Part>", re.DOTALL)
_ROOTS = {
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "ListObjectsV2": "ListBucketResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
}
"""Operations whose answer is XML, and its root element."""

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


def address_of(url: str) -> tuple[str, str]:
    """Bucket and key of a url, which names the bucket in its host or, on an endpoint of its own, in its path."""
    parts = urlsplit(url)
    host, path = parts.netloc, unquote(parts.path).lstrip("/")
    if host.startswith(("s3.", "s3-")):
        bucket, _, key = path.partition("/")
        return bucket, key
    return host.partition(".s3")[0], path


def request_of(operation: str, http: AWSPreparedRequest) -> dict[str, Any]:
    """The fields of a request, by boto3's names."""
    headers = {name.lower(): _text(value) for name, value in http.headers.items()}
    bucket, key = address_of(str(http.url))
    query = parse_qs(urlsplit(str(http.url)).query)
    request: dict[str, Any] = {"Bucket": bucket, "Key": key, "Body": _bytes_of(http.body)}
    for name, header in _HEADERS.items():
        if header.lower() in headers:
            request[name] = headers[header.lower()]
    request["Metadata"] = {
        name.removeprefix(_METADATA): value for name, value in headers.items() if name.startswith(_METADATA)
    }
    if "uploadId" in query:
        request["UploadId"] = query["uploadId"][0]
    if "partNumber" in query:
        request["PartNumber"] = int(query["partNumber"][0])
    if operation == "CompleteMultipartUpload":
        request["Parts"] = [_part_of(part) for part in _PART.findall(request["Body"].decode())]
    return request


def answer_of(operation: str, answer: Mapping[str, Any]) -> Answer:
    headers = {"ETag": answer["ETag"]} if "ETag" in answer else {}
    if "ContentType" in answer:
        headers["Content-Type"] = answer["ContentType"]
    headers |= {f"{_METADATA}{name}": value for name, value in answer.get("Metadata", {}).items()}
    if operation in {"GetObject", "HeadObject"}:
        headers["Content-Length"] = str(answer.get("ContentLength", len(answer["Body"])))
        return 200, headers, answer["Body"] if operation == "GetObject" else b""
    if operation in _ROOTS:
        return 200, headers, _xml(_ROOTS[operation], answer).encode()
    return 200, headers, b""


def error_of(operation: str, error: AwsError) -> Answer:
    """An answer to HEAD has no body: boto3 makes the code of its status."""
    body = "" if operation == "HeadObject" else _xml("Error", {"Code": error.code, "Message": error.message})
    return error.status, {}, body.encode()


def _part_of(text: str) -> dict[str, Any]:
    found = dict(re.findall(r"<(\w+)>([^<]*)</", text))
    return {"PartNumber": int(found["PartNumber"]), "ETag": found["ETag"].replace("&quot;", '"')}


def _xml(root: str, fields: Mapping[str, Any]) -> str:
    return f"<{root}>{''.join(_elements(name, value) for name, value in fields.items())}</{root}>"


def _elements(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_xml(name, each) for each in value)
    return f"<{name}>{escape(str(value))}</{name}>"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _bytes_of(body: Any) -> bytes:
    if body is None:
        return b""
    if hasattr(body, "read"):
        body.seek(0)
        return bytes(body.read())
    return body.encode() if isinstance(body, str) else bytes(body)
