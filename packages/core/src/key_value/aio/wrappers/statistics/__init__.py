"""`StatisticsWrapper`: a store that counts its operations by collection."""

from key_value.aio.wrappers.statistics.wrapper import StatisticsWrapper

__all__ = ["StatisticsWrapper"]
