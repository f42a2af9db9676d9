"""``tiebreak demo``."""

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", type=click.IntRange(1), help="Web processes; one more than the cores by default.")
def demo(host: str, port: int, workers: int | None) -> None:
    """Fill a demo project, unless it is there already, and serve it."""
    from app import create_app, db, server
    from app.demo import loading

    server.check_free(host, port)
    app = create_app()
    with app.app_context():
        db.upgrade(db.engine())
        password = loading.load(
            db.engine(), app.config["SETTINGS"], tell=lambda words: click.echo(words, err=True)
        )
    click.echo(f"\n  Tiebreak is on http://{server.address(host, port)}\n")
    for email, words in loading.PEOPLE.items():
        click.echo(f"  {email:26} {words.comes_to}")
    click.echo(f"\n  Everybody's password: {password}\n")
    server.serve(app, host, port, workers)


commands = [demo]
