"""Stands for a store that is not installed; where it is, its package of the same name is found first."""

from key_value.aio import _missing_stores

_missing_stores.give_way(__name__, __file__)
