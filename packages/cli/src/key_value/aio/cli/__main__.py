"""`python -m key_value.aio.cli`, which is the same as `kv`."""

import sys

from key_value.aio.cli.app import main

sys.exit(main())
