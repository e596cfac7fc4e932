"""A small asynchronous client of the API server: JSON requests, and watches that resume after errors."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import aiohttp

Object = dict[str, Any]
_AT_ONCE = 48
_WATCH_SECONDS = 3600
_AGAIN_SECONDS = 0.3
_YAML = "application/yaml"


class ApiError(Exception):
    """The API server refused a request."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text[:300]}")
        self.status = status


class Api:
    """A client of the API server at `server`."""

    def __init__(self, server: str, tls: ssl.SSLContext) -> None:
        self._server = server
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls, limit=0), timeout=aiohttp.ClientTimeout(total=None)
        )
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def close(self) -> None:
        """End every connection."""
        await self._session.close()

    async def _send(
        self, method: str, path: str, body: Object | bytes | None, *, kind: str = "application/json", **query: str
    ) -> Object:
        """Send a request until there is an answer, like a kubelet, which retries for ever."""
        while True:
            try:
                return await self._send_once(method, path, body, kind=kind, **query)
            except aiohttp.ClientConnectionError:
                pass
            except ApiError as error:
                if error.status < 500 and error.status != 429:
                    raise
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _send_once(
        self, method: str, path: str, body: Object | bytes | None, *, kind: str = "application/json", **query: str
    ) -> Object:
        data = json.dumps(body) if isinstance(body, dict) else body
        async with (
            self._places,
            self._session.request(
                method, f"{self._server}{path}", params=query, data=data, headers={"content-type": kind}
            ) as answer,
        ):
            text = await answer.text()
            if answer.status >= 300:
                raise ApiError(answer.status, text)
            return dict(json.loads(text))

    async def get(self, path: str, **query: str) -> Object:
        """The object at `path`."""
        return await self._send("GET", path, None, **query)

    async def find(self, path: str) -> Object | None:
        """The object at `path`, or None."""
        try:
            return await self.get(path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def ensure(self, path: str, body: Object | bytes) -> None:
        """Create the object, also from a YAML text, in the collection at `path` unless it exists."""
        try:
            await self._send("POST", path, body, kind="application/json" if isinstance(body, dict) else _YAML)
        except ApiError as error:
            if error.status != 409:
                raise

    async def merge(self, path: str, body: Object, *, strategic: bool = False) -> Object | None:
        """Patch the object at `path`; None if it is gone."""
        kind = "application/strategic-merge-patch+json" if strategic else "application/merge-patch+json"
        try:
            return await self._send("PATCH", path, body, kind=kind)
        except ApiError as error:
            if error.status in (404, 409):  # 409: another object has its name now
                return None
            raise

    async def delete_now(self, path: str, *, uid: str) -> None:
        """Delete the pod with this uid at once, as its kubelet does when none of its containers run."""
        try:
            body = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "preconditions": {"uid": uid}}
            await self._send("DELETE", path, body)
        except ApiError as error:
            if error.status not in (404, 409):
                raise

    async def watch(self, path: str, saw: Callable[[Object], None], gone: Callable[[Object], None]) -> None:
        """Call `saw` with every object of the collection, now and on each change, and `gone` with removed ones.

        Never returns; after an interruption it lists everything again.
        """
        known: dict[str, Object] = {}
        while True:
            try:
                page = await self.get(path, resourceVersion="0")
                there = {item["metadata"]["uid"]: item for item in page.get("items") or []}
                for uid in set(known) - set(there):
                    gone(known.pop(uid))
                for uid, item in there.items():
                    known[uid] = item
                    saw(item)
                async for event in self._events(path, page["metadata"]["resourceVersion"]):
                    if event["type"] == "ERROR":
                        break
                    item = event["object"]
                    if event["type"] == "DELETED":
                        known.pop(item["metadata"]["uid"], None)
                        gone(item)
                    else:
                        known[item["metadata"]["uid"]] = item
                        saw(item)
            except (aiohttp.ClientError, ApiError, OSError):
                pass
            await asyncio.sleep(0.2)

    async def _events(self, path: str, version: str) -> AsyncIterator[Mapping[str, Any]]:
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": str(_WATCH_SECONDS)}
        async with self._session.get(f"{self._server}{path}", params=query) as answer:
            if answer.status >= 300:
                raise ApiError(answer.status, await answer.text())
            rest = b""
            async for chunk in answer.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield json.loads(line)
