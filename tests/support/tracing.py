"""The proxies that OpenTelemetry, Datadog, Elastic APM and New Relic put around connections and their cursors."""


class Traced:
    """Passes for a connection by `isinstance`, and is none for what is written in C."""

    def __init__(self, traced):
        self.__dict__["traced"] = traced

    @property
    def __class__(self):
        return type(self.traced)

    def __getattr__(self, name):
        return getattr(self.traced, name)

    def __setattr__(self, name, value):
        setattr(self.traced, name, value)

    def cursor(self, *arguments, **options):
        return Traced(self.traced.cursor(*arguments, **options))

    def __enter__(self):
        self.traced.__enter__()
        return self

    def __exit__(self, *error):
        return self.traced.__exit__(*error)
