"""Each door that needs no framework keeps to the status policy."""

from status_policy import *  # noqa: F403  # the contract
