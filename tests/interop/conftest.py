from contextlib import ExitStack

import pytest
from harness import NotInstalledError, start_server


def pytest_collection_modifyitems(items):
    """Put the tests of a server side by side, so that each is started once."""
    order = {None: 0}

    def position(item):
        run = item.callspec.params.get("run") if hasattr(item, "callspec") else None
        return order.setdefault(run and run.arguments, len(order))

    items.sort(key=position)


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """Return what starts a server, and first ends the one before, unless it is the same."""
    started = {}
    with ExitStack() as stack:

        def start(arguments):
            if arguments not in started:
                stack.close()
                started.clear()
                log = tmp_path_factory.mktemp("server") / "output"
                try:
                    started[arguments] = stack.enter_context(start_server(arguments, log))
                except NotInstalledError as error:
                    started[arguments] = error
            if isinstance(started[arguments], NotInstalledError):
                pytest.skip(str(started[arguments]))
            return started[arguments]

        yield start
