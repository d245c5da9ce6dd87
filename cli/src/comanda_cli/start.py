"""Where the installed command `comanda` begins."""

from comanda_cli.interrupts import end_at_once_on_ctrl_c


def run() -> None:
    end_at_once_on_ctrl_c()
    from comanda_cli.main import app

    app(prog_name="comanda")
