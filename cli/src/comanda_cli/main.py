"""`comanda`: operate a Comanda stack from a terminal."""

import typer

from comanda_cli.commands import dlq, logs, notification, order, queues, recipient, report, token, webhook
from comanda_cli.errors import EXIT_CODES, OneLineErrors

app = typer.Typer(
    cls=OneLineErrors, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__, epilog=EXIT_CODES
)
app.add_typer(order.app, name="order", help="Submit, read, watch and retry orders.", epilog=EXIT_CODES)
app.add_typer(report.app, name="report", help="Ask for, watch, retry and discard reports.", epilog=EXIT_CODES)
app.add_typer(notification.app, name="notification", help="What callers were told; resend it.", epilog=EXIT_CODES)
app.add_typer(recipient.app, name="recipient", help="Balances and ledgers.", epilog=EXIT_CODES)
app.command("queues", epilog=EXIT_CODES)(queues.show_queues)
app.command("logs", epilog=EXIT_CODES)(logs.show_logs)
app.add_typer(dlq.app, name="dlq", help="Failed orders: look, redrive, discard.", epilog=EXIT_CODES)
app.add_typer(token.app, name="token", help="Make, list and revoke bearer tokens.", epilog=EXIT_CODES)
app.add_typer(webhook.app, name="webhook", help="What webhooks are signed with.", epilog=EXIT_CODES)


@app.callback()
def main() -> None:
    """Operate a Comanda stack: the local one found through .local/stack.json, or with --stage one on AWS."""
