"""The 0.5 series' names for the contents of `key_value.aio._utils.backoff`."""

from key_value.aio._utils.backoff import async_retry_operation, exponential_delay

_calculate_delay = exponential_delay

__all__ = ["_calculate_delay", "async_retry_operation"]
