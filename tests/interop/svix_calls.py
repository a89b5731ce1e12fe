"""Make calls to a module with the interface of `svix.webhooks`, and print the outcome of each as JSON.

The argument is the name of the module. Standard input is a list of `(secret, method, arguments)` as a Python literal; a
`datetime` stands in it as an ISO string. The environment of svix runs this too, so nothing else may be imported here.
"""

import ast
import importlib
import json
import sys
from datetime import datetime


def outcome(module, secret, method, arguments):
    """Return a value, or the names of the classes by which a caller can catch the exception."""
    if "timestamp" in arguments:
        arguments = arguments | {"timestamp": datetime.fromisoformat(arguments["timestamp"])}
    try:
        return {"value": getattr(module.Webhook(secret), method)(**arguments)}
    except Exception as error:  # noqa: BLE001  # the exceptions of another library are the subject
        return {"raised": [kind.__name__ for kind in type(error).__mro__]}


def main():
    """Answer each call of standard input."""
    module = importlib.import_module(sys.argv[1])
    json.dump([outcome(module, *call) for call in ast.literal_eval(sys.stdin.read())], sys.stdout)


if __name__ == "__main__":
    main()
