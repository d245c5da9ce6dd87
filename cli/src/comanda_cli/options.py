"""Options that several commands have."""

from typing import Annotated

import typer

Stage = Annotated[
    str | None, typer.Option(help="A stage on AWS, with the usual credentials. Default: the local stack.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OrderId = Annotated[str, typer.Argument(metavar="ORDER_ID", help="As POST /orders answered it.")]
Token = Annotated[
    str | None,
    typer.Option(help="A bearer token. Default: the local stack's own, or on AWS the variable COMANDA_TOKEN."),
]
As = Annotated[str, typer.Option("--as", metavar="NAME", help="Which of the local stack's tokens to use.")]
Wait = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="How long to look whether redriven orders move; 0: not at all.")
]
