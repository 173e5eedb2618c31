"""`StatisticsWrapper`: counts of what a store is asked for, by collection."""

from key_value.aio.wrappers.statistics.wrapper import StatisticsWrapper

__all__ = ["StatisticsWrapper"]
