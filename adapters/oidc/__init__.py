"""Bearer tokens of people, as an OpenID Connect issuer signs them."""
