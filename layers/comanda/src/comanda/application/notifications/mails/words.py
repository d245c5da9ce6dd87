"""What mails say, in each language."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from comanda.domain.shared.locale import EN_US, PT_BR, Locale


class Tone(StrEnum):
    """How a thing stands."""

    GOOD = "good"
    BAD = "bad"
    NEUTRAL = "neutral"


@dataclass(frozen=True)
class Said:
    """Of an event. `subject` gets the order's or report's short id."""

    subject: str
    sentence: str
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True)
class Words:
    """All words of a mail in one language."""

    events: Mapping[str, Said]
    report_types: Mapping[str, str]
    order: str
    report: str
    client_order: str
    recipient: str
    total: str
    reason: str
    kind: str
    format: str
    rows: str
    moment: str
    download: str
    footer: str


_PT = Words(
    events={
        "order.pending": Said("Pedido {id} recebido", "Recebemos o pedido. Ele será processado em seguida."),
        "order.processing": Said("Pedido {id} em processamento", "O pedido começou a ser processado."),
        "order.completed": Said("Pedido {id} concluído", "O pedido foi concluído.", Tone.GOOD),
        "order.failed": Said(
            "Pedido {id} não foi concluído",
            "Não foi possível concluir o pedido. Nada foi lançado para o favorecido.",
            Tone.BAD,
        ),
        "order.cancelled": Said("Pedido {id} cancelado", "O pedido foi cancelado antes de ser processado."),
        "report.requested": Said("Relatório {id} solicitado", "O relatório foi solicitado e será gerado em seguida."),
        "report.generating": Said("Relatório {id} em geração", "O relatório começou a ser gerado."),
        "report.ready": Said("Relatório {id} pronto", "O relatório está pronto.", Tone.GOOD),
        "report.failed": Said("Relatório {id} não foi gerado", "Não foi possível gerar o relatório.", Tone.BAD),
        "report.cancelled": Said("Relatório {id} cancelado", "O relatório foi cancelado antes de ser gerado."),
    },
    report_types={
        "orders": "Pedidos",
        "summary": "Resumo de pedidos",
        "recipient-statement": "Extrato do favorecido",
        "table": "Tabela",
    },
    order="Pedido",
    report="Relatório",
    client_order="Pedido do cliente",
    recipient="Favorecido",
    total="Valor total",
    reason="Motivo",
    kind="Tipo",
    format="Formato",
    rows="Linhas",
    moment="Data e hora",
    download="Baixar o relatório",
    footer="Você recebe este aviso porque ele foi pedido para este endereço. Não responda a esta mensagem.",
)

_EN = Words(
    events={
        "order.pending": Said("Order {id} received", "We have received the order. It will be processed next."),
        "order.processing": Said("Order {id} is being processed", "We have begun to process the order."),
        "order.completed": Said("Order {id} completed", "The order has been completed.", Tone.GOOD),
        "order.failed": Said(
            "Order {id} failed", "The order could not be completed. Nothing was posted for the recipient.", Tone.BAD
        ),
        "order.cancelled": Said("Order {id} cancelled", "The order was cancelled before it was processed."),
        "report.requested": Said("Report {id} requested", "The report has been requested. It will be written next."),
        "report.generating": Said("Report {id} is being written", "We have begun to write the report."),
        "report.ready": Said("Report {id} ready", "The report is ready.", Tone.GOOD),
        "report.failed": Said("Report {id} failed", "The report could not be written.", Tone.BAD),
        "report.cancelled": Said("Report {id} cancelled", "The report was cancelled before it was written."),
    },
    report_types={
        "orders": "Orders",
        "summary": "Summary of orders",
        "recipient-statement": "Recipient statement",
        "table": "Table",
    },
    order="Order",
    report="Report",
    client_order="Client's order",
    recipient="Recipient",
    total="Total amount",
    reason="Reason",
    kind="Type",
    format="Format",
    rows="Rows",
    moment="Date and time",
    download="Download the report",
    footer="You get this notice because it was asked for at this address. Please do not reply.",
)

_WORDS = {PT_BR.tag: _PT, EN_US.tag: _EN}


def words(locale: Locale) -> Words:
    """The words in a locale's language."""
    return _WORDS[locale.tag]
