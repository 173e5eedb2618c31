"""`StatisticsWrapper`: counts of the operations on a store, by collection."""

from key_value.aio.wrappers.statistics.wrapper import StatisticsWrapper

__all__ = ["StatisticsWrapper"]
