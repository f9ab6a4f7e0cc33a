"""The payment provider of this installation, as its settings say."""

from adapters.gateway.protocol import Gateway
from adapters.gateway.sandbox import SandboxGateway
from adapters.settings import Provider, Settings


def gateway(settings: Settings) -> Gateway:
    """Return the gateway to the provider that the settings choose."""
    match settings.provider:
        case Provider.SANDBOX:
            return SandboxGateway(settings.sandbox_url, settings.sandbox_key, settings.webhook_secret)
        case Provider.STRIPE:
            from adapters.gateway.stripe import StripeGateway  # a large SDK, read only where it is used

            return StripeGateway(
                settings.stripe_key,
                settings.stripe_webhook_secret,
                return_url=settings.stripe_return_url,
                url=settings.stripe_url,
            )
