"""Options that several commands have."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any

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


@dataclass(frozen=True)
class Waiting:
    """How long a command stays to see what becomes of what it began again."""

    wait: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long to wait for the end at most.")] = 30
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait: as --wait 0.")] = False

    @property
    def seconds(self) -> float:
        return 0.0 if self.no_wait else self.wait


def taking(options: type, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the fields of the dataclass `options` as options of its own, and hand them on as its `name`."""
    fields = inspect.signature(options, eval_str=True).parameters

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**given: Any) -> None:
            command(**{name: options(**{field: given.pop(field) for field in fields})}, **given)

        own = inspect.signature(command, eval_str=True).parameters
        others = [parameter for other, parameter in own.items() if other not in ("ctx", name)]
        all_of_them = [
            each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (own["ctx"], *fields.values(), *others)
        ]
        run.__signature__ = inspect.Signature(all_of_them)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in all_of_them}
        return run

    return decorate
