"""``fingerprint gallery``: make, fill, change and read gallery files."""

import typer

from fingerprint_sdk.cli.gallery import add, change, check, read

app = typer.Typer(no_args_is_help=True, help="Make, fill, change and read galleries.")
app.command()(change.create)
app.command()(add.add)
app.command()(change.remove)
app.command()(change.rename)
app.command("list")(read.list_entries)
app.command()(read.info)
app.command()(check.check)
app.command()(change.merge)
app.command()(read.export)
