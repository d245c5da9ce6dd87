"""A report's file, from its link onto the disk: whole, or not there at all."""

import hashlib
from collections.abc import Mapping
from email.message import Message
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from comanda_cli.terminal.errors import CliError, NotDone


def download(client: httpx.Client, report: Mapping[str, Any], target: Path) -> Path:
    """Save the file of a report as GET /reports/{id} shows it; give where it lies.

    `target` is the file to write, or a folder, where it gets the name the API gave it. `client` needs no token: the
    link is signed. Raises NotDone where there is no file, CliError where the target is there already, or where what
    arrived is not the file that the record describes.
    """
    if "download_url" not in report:
        raise NotDone(f"this report is {report['status']}; there is nothing to download")
    try:
        with client.stream("GET", report["download_url"]) as answer:
            if answer.status_code != HTTPStatus.OK:
                raise CliError(f"the link answers {answer.status_code}: {answer.read()[:300].decode(errors='replace')}")
            file = target / _name_of(answer, report) if target.is_dir() else target
            _save(answer, report, file)
    except httpx.HTTPError as error:
        raise CliError(f"the download broke off: {error}; run it again") from error
    return file


def _save(answer: httpx.Response, report: Mapping[str, Any], file: Path) -> None:
    if file.exists():
        raise CliError(f"{file} is there already; give another --output")
    unfinished, digest = file.with_name(f"{file.name}.part"), hashlib.sha256()
    try:
        with unfinished.open("wb") as output:
            for chunk in answer.iter_bytes():
                digest.update(chunk)
                output.write(chunk)
        if digest.hexdigest() != report["sha256"]:
            raise CliError(f"what arrived is not the file that the report's sha256 describes ({report['sha256']})")
        unfinished.replace(file)
    except OSError as error:
        raise CliError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def _name_of(answer: httpx.Response, report: Mapping[str, Any]) -> str:
    """What the API called the file (RFC 6266), never a way to another folder."""
    header = Message()
    header["Content-Disposition"] = answer.headers.get("Content-Disposition", "")
    return Path(header.get_filename() or f"{report['report_id']}.{report['format']}").name
