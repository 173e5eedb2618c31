"""Base classes of wrappers: `BaseWrapper`, and its kinds `Interceptor`, `Translator` and `Combiner`."""

from key_value.aio.wrappers.base.combiner import Combiner
from key_value.aio.wrappers.base.interceptor import HITS, Call, Interceptor
from key_value.aio.wrappers.base.translator import Translator
from key_value.aio.wrappers.base.unreachable import UNREACHABLE
from key_value.aio.wrappers.base.wrapper import BaseWrapper

__all__ = ["HITS", "UNREACHABLE", "BaseWrapper", "Call", "Combiner", "Interceptor", "Translator"]
