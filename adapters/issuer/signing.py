"""Signs tokens for the people of a development installation, with a key that is made once and kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

ALGORITHM: Final = "ES256"
KEY_FILE: Final = "key.pem"


@dataclass(frozen=True, slots=True)
class Signer:
    """One issuer, one audience, one key."""

    issuer: str
    audience: str
    key: ec.EllipticCurvePrivateKey

    @property
    def public_key(self) -> dict[str, Any]:
        """The key as others check signatures with it."""
        return {
            **ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True),
            "kid": self._kid,
            "use": "sig",
            "alg": ALGORITHM,
        }

    def token(self, *, email: str, name: str, minutes: int, now: datetime) -> str:
        """Sign that somebody has an address, for so many minutes."""
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": email.lower(),
            "email": email,
            "email_verified": True,
            "name": name,
            "iat": now,
            "exp": now + timedelta(minutes=minutes),
        }
        return jwt.encode(claims, self.key, algorithm=ALGORITHM, headers={"kid": self._kid})

    @property
    def _kid(self) -> str:
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        )
        return sha256(point).hexdigest()[:16]


def kept_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """Give the key in a folder; it is made first if there is none. Only its owner reads the file."""
    path = folder / KEY_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(
                ec.generate_private_key(ec.SECP256R1()).private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
        unfinished.replace(path)
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path} holds no key for {ALGORITHM}; remove it, and another is made.")
    return key
