"""The kubelet server of all simulated nodes, which answers the API server's requests for logs and exec."""

import json
import ssl
from pathlib import Path

from aiohttp import web

from scripts.lab.simulated.certificates import Pair
from scripts.lab.simulated.faults import FaultFile
from scripts.lab.simulated.nodes.commands import Commands, Outcome
from scripts.lab.simulated.nodes.probe_log import ProbeLogs, is_probe
from scripts.lab.simulated.world import Life, World

_PROTOCOL = "v4.channel.k8s.io"
_OUTPUT, _ERROR, _STATUS = b"\x01", b"\x02", b"\x03"


def _status(outcome: Outcome) -> bytes:
    if outcome.exit_code == 0:
        return json.dumps({"metadata": {}, "status": "Success"}).encode()
    cause = {"reason": "ExitCode", "message": str(outcome.exit_code)}
    failure = {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code {outcome.exit_code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [cause]},
    }
    return json.dumps(failure).encode()


class Kubelet:
    """Serves logs of, and commands in, every pod."""

    def __init__(self, world: World, commands: Commands, faults: FaultFile, *, probe_logs: ProbeLogs) -> None:
        self._world = world
        self._commands = commands
        self._faults = faults
        self._probe_logs = probe_logs

    async def serve(self, *, port: int, authority: Path, pair: Pair) -> web.AppRunner:
        """Start serving clients that have a certificate of the control plane's authority."""
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority))
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_cert_chain(pair.certificate, pair.key)
        app = web.Application()
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        app.router.add_get("/exec/{namespace}/{pod}/{container}", self._execute)
        app.router.add_post("/exec/{namespace}/{pod}/{container}", self._other_protocol)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
        return runner

    def _life(self, request: web.Request) -> Life:
        namespace, name = request.match_info["namespace"], request.match_info["pod"]
        life = self._world.find(namespace=namespace, name=name)
        if life is None:
            raise web.HTTPNotFound(text=f"pod {namespace}/{name} does not run here")
        if not self._world.machines[life.node].on:
            raise web.HTTPServiceUnavailable(text=f"node {life.node} is off")
        return life

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        life = self._life(request)
        if self._faults.read().pod(life.title).logs_fail:
            raise web.HTTPInternalServerError(text=f"logs of pod {life.title}: broken by a fault that was asked for")
        if is_probe(life):
            return web.Response(text=self._probe_logs.text(life, lines=int(request.query.get("tailLines", "30"))))
        return web.Response(text=life.log)

    async def _other_protocol(self, _request: web.Request) -> web.StreamResponse:
        raise web.HTTPNotImplemented(text=f"simulated nodes run commands by {_PROTOCOL} only")

    async def _execute(self, request: web.Request) -> web.StreamResponse:
        life = self._life(request)
        if self._faults.read().pod(life.title).exec_fails:
            raise web.HTTPInternalServerError(text=f"command in pod {life.title}: broken by a fault that was asked for")
        if life.phase != "Running":
            raise web.HTTPInternalServerError(text=f"container of pod {life.title} is not running")
        socket = web.WebSocketResponse(protocols=(_PROTOCOL,))
        await socket.prepare(request)
        outcome = await self._commands.run(life, request.query.getall("command", []))
        for channel, text in ((_OUTPUT, outcome.output.encode()), (_ERROR, outcome.error.encode())):
            if text:
                await socket.send_bytes(channel + text)
        await socket.send_bytes(_STATUS + _status(outcome))
        await socket.close()
        return socket
