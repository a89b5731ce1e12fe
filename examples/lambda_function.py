"""AWS Lambda, behind API Gateway (REST or HTTP API), an Application Load Balancer or a function URL.

Put it into the function's package: pip install --target package ../ && cp lambda_function.py package

Its handler is `lambda_function.lambda_handler`, the name that Lambda has by default. Set CLERK_WEBHOOK_SIGNING_SECRET
in the function's configuration: without it the function fails as it starts.
"""

from clerk_webhook import Endpoint, events
from clerk_webhook.aws_lambda import handler

endpoint = Endpoint()


@endpoint.on
def welcome(event: events.UserCreated) -> None:
    print("new user", event.data["id"], flush=True)


lambda_handler = handler(endpoint)
