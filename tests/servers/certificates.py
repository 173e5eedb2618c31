"""Test certificates: an authority, and the certificates that it signs."""

from pathlib import Path
from typing import NamedTuple

import trustme


class Certificates(NamedTuple):
    """Paths of PEM files."""

    authority: Path
    key: Path
    certificate: Path
    both: Path
    """The key and the certificate in one file."""


def make_certificates(directory: Path, *names: str) -> Certificates:
    """Create a new authority, and a key and a certificate that it signs.

    Args:
        directory: Directory of the created files.
        names: Names that the certificate is valid for. Defaults to this host.
    """
    made = Certificates(*(directory / name for name in ("ca.pem", "key.pem", "cert.pem", "both.pem")))
    authority = trustme.CA()
    issued = authority.issue_cert(*(names or ("localhost", "127.0.0.1")))
    authority.cert_pem.write_to_path(str(made.authority))
    issued.private_key_pem.write_to_path(str(made.key))
    issued.cert_chain_pems[0].write_to_path(str(made.certificate))
    issued.private_key_and_cert_chain_pem.write_to_path(str(made.both))
    return made
