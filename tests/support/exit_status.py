"""The exit status of a command that runs in this process."""

from clerk_webhook.cli import main


def status_of(arguments):
    """Run a command in this process; return its exit status."""
    try:
        return main(arguments)
    except SystemExit as error:  # argparse's
        return error.code
