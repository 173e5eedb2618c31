"""Certificates of the tests' own: an authority, and what it vouches for."""

from pathlib import Path
from typing import NamedTuple

import trustme


class Certificates(NamedTuple):
    """The paths of files in PEM."""

    authority: Path
    key: Path
    certificate: Path
    both: Path
    """The key and the certificate in one file."""


def make_certificates(directory: Path, *names: str) -> Certificates:
    """Make a new authority, and a key and a certificate that it vouches for.

    Args:
        directory: Where the files are made.
        names: What the certificate is for; this host unless given.
    """
    made = Certificates(*(directory / name for name in ("ca.pem", "key.pem", "cert.pem", "both.pem")))
    authority = trustme.CA()
    issued = authority.issue_cert(*(names or ("localhost", "127.0.0.1")))
    authority.cert_pem.write_to_path(str(made.authority))
    issued.private_key_pem.write_to_path(str(made.key))
    issued.cert_chain_pems[0].write_to_path(str(made.certificate))
    issued.private_key_and_cert_chain_pem.write_to_path(str(made.both))
    return made
