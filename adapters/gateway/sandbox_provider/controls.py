"""What a test asks of the provider beside payments: faults to come, and what became of the webhooks."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from adapters.gateway.sandbox_provider.faults import Fault, Faults
from adapters.gateway.sandbox_provider.postman import Postman
from adapters.gateway.sandbox_provider.wire import body_as, json_response


@dataclass(frozen=True, slots=True)
class Controls:
    """The requests whose paths begin with an underscore."""

    faults: Faults
    postman: Postman

    async def order_faults(self, request: Request) -> Response:
        """Queue faults."""
        ordered = await body_as(request, Fault | list[Fault])  # type: ignore[arg-type]
        self.faults.order(ordered if isinstance(ordered, list) else [ordered])
        return json_response({"faults": self.faults.waiting()})

    async def waiting_faults(self, _: Request) -> Response:
        """Return the faults not used up."""
        return json_response({"faults": self.faults.waiting()})

    async def clear_faults(self, _: Request) -> Response:
        """Forget the faults."""
        self.faults.clear()
        return json_response({"faults": []})

    async def webhooks(self, _: Request) -> Response:
        """Return what became of the webhooks."""
        return json_response(self.postman.tally)
