"""AWS Lambda, behind API Gateway (REST or HTTP API), an Application Load Balancer or a function URL.

Put it into the function's package: pip install --target package ../ && cp lambda_function.py package

Its handler is `lambda_function.lambda_handler`, the name that Lambda has by default. Set CLERK_WEBHOOK_SIGNING_SECRET
in the function's configuration: without it the function fails as it starts.
"""

from clerk_webhook import events
from clerk_webhook.endpoint import Endpoint

endpoint = Endpoint()


@endpoint.on(events.UserCreated)
def welcome(event: events.UserCreated) -> None:
    print("new user", event.data["id"], flush=True)


lambda_handler = endpoint.aws_lambda()
