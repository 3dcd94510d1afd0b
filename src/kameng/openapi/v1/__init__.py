"""The Litestar half of the Open API: everything that is not on the hot path."""

from typing import Any


def create_router_app(parts: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app
