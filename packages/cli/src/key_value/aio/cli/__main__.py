"""`python -m key_value.aio.cli` is `kv`."""

import sys

from key_value.aio.cli.app import main

sys.exit(main())
