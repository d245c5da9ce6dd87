"""How fast reports are written, beside what people use for it, and beside the least it can cost.

    python -m benchmarks.reports --rows 1000000 --json

Each engine runs in a process of its own, one after another, over the same rows of ten columns; times include start and
imports. *usual* is pandas with openpyxl, and ReportLab's LongTable. *bound* is what no writer can do without: the same
rows from the same source, one f-string for each joined to the least XML (or PDF text) that holds them, deflated at the
same level. PDF is measured at 100,000 rows at most. `--end-to-end` adds the reading from DynamoDB (report_reading.py).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

PDF_ROWS = 100_000
PAGES_VARIABLE = "RECORDED_PAGES_URL"
"""Where an engine finds the pages of DynamoDB."""
LEVEL = 1
"""Of deflate, in the bound; that of our writers (a test compares)."""
TITLES = ("Order", "Created", "Recipient", "Customer", "Origin", "Status", "Items", "Total", "Currency", "Note")
NAMES = ("Ana Souza", "João da Silva", "Luísa Gonçalves", "Comércio de Peças Três Irmãos")

Measured = dict[str, float]


def rows_of(count: int) -> Iterator[tuple[str, datetime, str, str, str, str, int, Decimal, str, str]]:
    """What an orders report holds, made up and always the same."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(count):
        scattered = number * 2_654_435_761 % 2**32
        yield (
            f"{scattered:08x}-3f1c-5b7e-9a2d-{number:012x}",
            begin + timedelta(milliseconds=number * 1_337),
            NAMES[scattered % 4],
            f"customer-{scattered % 5_000}",
            "web" if scattered % 3 else "mobile",
            "completed" if scattered % 20 else "failed",
            scattered % 9 + 1,
            Decimal(scattered % 10_000_000).scaleb(-2),
            "BRL",
            f"delivery {scattered % 977} of the week",
        )


def xlsx_ours(count: int, file: Path) -> None:
    from comanda.adapters.reports.writers import xlsx

    with file.open("wb") as output:
        output.writelines(xlsx.write(_table(), rows_of(count)))


def xlsx_usual(count: int, file: Path) -> None:
    import pandas as pd

    # Excel's times have no zone, and pandas refuses one.
    rows = ((row[0], row[1].replace(tzinfo=None), *row[2:]) for row in rows_of(count))
    pd.DataFrame(rows, columns=TITLES).to_excel(file, engine="openpyxl", index=False)


def xlsx_bound(count: int, file: Path) -> None:
    import zlib

    epoch, day = datetime(1899, 12, 30, tzinfo=UTC), timedelta(days=1)
    lines = (
        f'<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>{a}</t></is></c><c r="B{n}" s="1">'
        f'<v>{(b - epoch) / day}</v></c><c r="C{n}" t="inlineStr"><is><t>{c}</t></is></c>'
        f'<c r="D{n}" t="inlineStr"><is><t>{d}</t></is></c>'
        f'<c r="E{n}" t="inlineStr"><is><t>{e}</t></is></c><c r="F{n}" t="inlineStr"><is><t>{f}</t></is></c>'
        f'<c r="G{n}"><v>{g}</v></c><c r="H{n}"><v>{h}</v></c>'
        f'<c r="I{n}" t="inlineStr"><is><t>{i}</t></is></c><c r="J{n}" t="inlineStr"><is><t>{j}</t></is></c></row>'
        for n, (a, b, c, d, e, f, g, h, i, j) in enumerate(rows_of(count), 1)
    )
    _deflate(lines, zlib.compressobj(LEVEL), file)


def pdf_ours(count: int, file: Path) -> None:
    from comanda.adapters.reports.writers import pdf

    with file.open("wb") as output:
        output.writelines(pdf.write(_table(), rows_of(count)))


def pdf_usual(count: int, file: Path) -> None:
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.platypus import LongTable, SimpleDocTemplate, TableStyle

    table = _table()
    shows = [table.as_shown(column) for column in table.columns]
    rows = [[show(cell) for show, cell in zip(shows, row, strict=True)] for row in rows_of(count)]
    style = TableStyle([("FONTSIZE", (0, 0), (-1, -1), 7), ("ALIGN", (6, 0), (7, -1), "RIGHT")])
    SimpleDocTemplate(str(file), pagesize=landscape(A4)).build(
        [LongTable([list(TITLES), *rows], repeatRows=1, style=style)],
        onLaterPages=lambda canvas, _: canvas.drawRightString(800, 20, f"Página {canvas.getPageNumber()}"),
    )


def pdf_bound(count: int, file: Path) -> None:
    import zlib

    lines = (
        f"1 0 0 1 20 {n % 50 * 11} Tm({a})Tj 1 0 0 1 150 0 Td({b})Tj 60 0 Td({c})Tj 60 0 Td({d})Tj 60 0 Td({e})Tj"
        f" 60 0 Td({f})Tj 60 0 Td({g})Tj 60 0 Td({h:,.2f})Tj 60 0 Td({i})Tj 60 0 Td({j})Tj\n"
        for n, (a, b, c, d, e, f, g, h, i, j) in enumerate(rows_of(count))
    )
    _deflate(lines, zlib.compressobj(LEVEL), file)


def _end_to_end(*, usual: bool, write: bool) -> Callable[[int, Path], None]:
    def run(count: int, file: Path) -> None:
        from benchmarks.report_reading import write_orders

        write_orders(count, file, os.environ[PAGES_VARIABLE], usual=usual, write=write)

    return run


ENGINES: dict[str, Callable[[int, Path], None]] = {
    "xlsx.ours": xlsx_ours,
    "xlsx.usual": xlsx_usual,
    "xlsx.bound": xlsx_bound,
    "pdf.ours": pdf_ours,
    "pdf.usual": pdf_usual,
    "pdf.bound": pdf_bound,
    "orders.read": _end_to_end(usual=False, write=False),
    "orders.ours": _end_to_end(usual=False, write=True),
    "orders.usual_read": _end_to_end(usual=True, write=False),
    "orders.usual": _end_to_end(usual=True, write=True),
}


ENGINES_SHOWN = ("read", "ours", "usual_read", "usual", "bound")


def _table() -> Any:
    from comanda.domain.reports.table import Column, Kind, Table

    kinds = {"Created": Kind.DATETIME, "Items": Kind.INTEGER, "Total": Kind.MONEY}
    columns = tuple(Column(title, kinds.get(title, Kind.TEXT), total=title == "Total") for title in TITLES)
    return Table("Orders", columns, datetime(2026, 11, 22, tzinfo=UTC), facts=(("Year", "2026"),))


def _deflate(lines: Iterator[str], deflated: Any, file: Path) -> None:
    from itertools import islice

    with file.open("wb") as output:
        while some := "".join(islice(lines, 512)):
            output.write(deflated.compress(some.encode()))
        output.write(deflated.flush())


def measure(engine: str, count: int, folder: Path) -> Measured:
    """Run one engine in a process of its own. Seconds, MB (2**20 bytes) of resident memory at its peak, bytes."""
    file = folder / f"{engine}.{engine.split('.')[0]}"
    begun = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "benchmarks.reports",
        "--engine",
        engine,
        "--rows",
        str(count),
        "--file",
        str(file),
    ]
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{engine} ended with {process.returncode}")
    size = file.stat().st_size
    file.unlink()
    kilobytes = usage.ru_maxrss if sys.platform != "darwin" else usage.ru_maxrss / 1024
    return {
        "wall_s": round(wall, 2),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
        "rss_mb": round(kilobytes / 1024, 1),
        "bytes": size,
    }


def compare(file_format: str, count: int, folder: Path) -> dict[str, Any]:
    """All engines of one format. A ratio is of wall times: how many times faster than usual, slower than the bound."""
    found: dict[str, Any] = {"rows": count}
    for engine in ("ours", "usual", "bound"):
        found[engine] = measure(f"{file_format}.{engine}", count, folder)
    found["ratio_usual"] = round(found["usual"]["wall_s"] / found["ours"]["wall_s"], 2)
    found["ratio_bound"] = round(found["ours"]["wall_s"] / found["bound"]["wall_s"], 2)
    return found


def compare_end_to_end(count: int, folder: Path) -> dict[str, Any]:
    """A report of orders, read and written; `usual` with boto3 as it comes. A ratio is of processor times, as the pages
    are served by the same machine."""
    from benchmarks.report_reading import recorded_pages

    found: dict[str, Any] = {"rows": count}
    with recorded_pages(count) as url:
        os.environ[PAGES_VARIABLE] = url
        for engine in ("read", "ours", "usual_read", "usual"):
            found[engine] = measure(f"orders.{engine}", count, folder)
    found["read_share"] = round(found["read"]["cpu_s"] / found["ours"]["cpu_s"], 2)
    found["ratio_usual"] = round(found["usual"]["cpu_s"] / found["ours"]["cpu_s"], 2)
    return found


def report(file_format: str, found: dict[str, Any]) -> None:
    print(f"{file_format}, {found['rows']} rows{'':10}{'wall s':>10}{'cpu s':>10}{'RSS MB':>10}{'MB':>10}")
    for engine in (name for name in ENGINES_SHOWN if name in found):
        of = found[engine]
        print(f"  {engine:26}{of['wall_s']:10.2f}{of['cpu_s']:10.2f}{of['rss_mb']:10.1f}{of['bytes'] / 2**20:10.1f}")
    if "ratio_bound" in found:
        print(f"  {found['ratio_usual']} times as fast as usual; {found['ratio_bound']} times the bound")
    else:
        print(f"  usual takes {found['ratio_usual']} times the processor; reading is {found['read_share']:.0%} of ours")


def main() -> None:
    arguments = _arguments()
    if arguments.engine:
        ENGINES[arguments.engine](arguments.rows, arguments.file)
        return
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for file_format, count in (("xlsx", arguments.rows), ("pdf", min(arguments.rows, PDF_ROWS))):
            if arguments.only in (None, file_format):
                found[file_format] = compare(file_format, count, Path(folder))
                if not arguments.json:
                    report(file_format, found[file_format])
        if arguments.end_to_end or arguments.only == "orders":
            found["orders"] = compare_end_to_end(arguments.rows, Path(folder))
            if not arguments.json:
                report("orders", found["orders"])
    if arguments.json:
        print(json.dumps(found, indent=2))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--only", choices=("xlsx", "pdf", "orders"))
    parser.add_argument("--end-to-end", action="store_true", help="a report of orders too, from DynamoDB to the file")
    parser.add_argument("--engine", choices=tuple(ENGINES), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
