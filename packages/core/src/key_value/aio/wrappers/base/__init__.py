"""What a wrapper is made of: `BaseWrapper`, or one of its kinds `Interceptor` and `Translator`."""

from key_value.aio.wrappers.base.interceptor import Call, Interceptor
from key_value.aio.wrappers.base.translator import Translator
from key_value.aio.wrappers.base.unreachable import UNREACHABLE
from key_value.aio.wrappers.base.wrapper import BaseWrapper

__all__ = ["UNREACHABLE", "BaseWrapper", "Call", "Interceptor", "Translator"]
