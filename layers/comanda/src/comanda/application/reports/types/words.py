"""The words that reports put around their rows, in each language."""

from collections.abc import Mapping

from comanda.domain.shared.locale import EN_US, PT_BR, Locale

Words = Mapping[str, str]

_WORDS: Mapping[str, tuple[str, str]] = {
    # name: Portuguese, English
    "amount": ("Valor", "Amount"),
    "as_of": ("Posição em", "As of"),
    "balance": ("Saldo", "Balance"),
    "by": ("Por", "By"),
    "client_order_id": ("Pedido do cliente", "Client's order"),
    "closing_balance": ("Saldo final", "Closing balance"),
    "completed": ("Concluídos", "Completed"),
    "completed_amount": ("Valor concluído", "Completed amount"),
    "created_at": ("Recebido em", "Received at"),
    "customer_id": ("Cliente", "Customer"),
    "day": ("Dia", "Day"),
    "description": ("Descrição", "Description"),
    "left_out": (
        "Pedidos não incluídos, pois o registro não pode ser lido",
        "Orders left out, as their record cannot be read",
    ),
    "moment": ("Data e hora", "Date and time"),
    "opening_balance": ("Saldo inicial", "Opening balance"),
    "order_id": ("Pedido", "Order"),
    "orders": ("Pedidos", "Orders"),
    "origin": ("Origem", "Origin"),
    "period": ("Período", "Period"),
    "recipient_id": ("Favorecido", "Recipient"),
    "sequence": ("Nº", "No."),
    "statement": ("Extrato do favorecido", "Recipient statement"),
    "status": ("Situação", "Status"),
    "summary": ("Resumo de pedidos", "Summary of orders"),
    "time_zone": ("Fuso horário", "Time zone"),
    "total": ("Total", "Total"),
    "total_amount": ("Valor total", "Total amount"),
    "updated_at": ("Última alteração", "Last change"),
    "value": ("Item", "Value"),
    "pending": ("Pendente", "Pending"),
    "processing": ("Em processamento", "Processing"),
    "failed": ("Falhou", "Failed"),
    "cancelled": ("Cancelado", "Cancelled"),
    "completed_status": ("Concluído", "Completed"),
}
_LANGUAGES = (PT_BR.tag, EN_US.tag)


def words(locale: Locale) -> Words:
    """By name."""
    place = _LANGUAGES.index(locale.tag)
    return {name: said[place] for name, said in _WORDS.items()}


def status_word(said: Words, status: str) -> str:
    """An order's status in the readers' language."""
    return said["completed_status"] if status == "completed" else said[status]
