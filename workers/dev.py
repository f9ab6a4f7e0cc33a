"""Everything a developer needs, from one command: servers, schema, sandbox provider, mailbox, issuer, API, worker, a demo company."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import click
import httpx

from adapters.embedded import processes
from adapters.embedded.databases import as_role, create_database
from adapters.embedded.folders import FolderClosedError
from adapters.embedded.ports import PortTakenError, is_answering
from adapters.embedded.postgres import EmbeddedPostgres
from adapters.embedded.server import EmbeddedServer, ServerFailedError
from adapters.embedded.valkey import EmbeddedValkey
from adapters.issuer.server import AUDIENCE
from workers.demo.people import people
from workers.devports import Ports
from workers.devsecrets import keep_secrets, kept_secrets
from workers.supervisor import Supervisor

READY_SECONDS = 60
LOOK_SECONDS = 0.1
DATABASE = "prorata"
APPLICATION = "prorata_app"
WEBHOOK_PATH = "/webhooks/payments"

BANNER = """
Prorata is running. Ctrl-C stops it; the data stays in {folder}.

  Open this     {api}/graphiql#key={key}
  GraphQL       {api}/graphql
  Sandbox       {sandbox}  (the payment provider: moves no money)
  Mailbox       {mailbox}  (every mail ends here)
  Sign in       {issuer}  (as any person: gives a token; on this machine only)
  Operator key  {key}

The first address is GraphiQL with your key filled in and queries to try. From a terminal:

  curl {api}/graphql -H 'Authorization: Bearer {key}' \\
    -H 'Content-Type: application/json' -d '{{"query": "{{ accounts {{ edges {{ node {{ name today }} }} }} }}"}}'

The same as a person, who sees what the role allows:

  {program} token {person} --port {issuer_port}

The other commands, on the same data (more keys, for example):

  set -a; . {env_file}; set +a; {program} keys create --name 'My frontend'
"""


class StartFailedError(Exception):
    """A part of the start did not come up; the message says which."""


def run(folder: Path, *, ports: Ports, with_demo: bool) -> None:
    """Start everything, keep it running, stop it in order at Ctrl-C (or SIGTERM, or when the terminal closes).

    Raises:
        click.ClickException: with a sentence on what did not come up.
    """
    try:
        with _signals_interrupt(), ExitStack() as stack:
            _run(folder, ports=ports, with_demo=with_demo, stack=stack)
    except KeyboardInterrupt:
        _say("stopped")
    except (FolderClosedError, PortTakenError, ServerFailedError, StartFailedError) as error:
        raise click.ClickException(str(error)) from error


def _run(folder: Path, *, ports: Ports, with_demo: bool, stack: ExitStack) -> None:
    ports.refuse_taken()
    secrets_file = folder / "secrets.json"
    kept = kept_secrets(secrets_file)
    servers, addresses = _servers(folder, ports=ports, password=kept["database_password"], stack=stack)
    made = addresses | _settings(ports, kept)
    env = made | os.environ
    _keep_env(folder / "env", {name: env[name] for name in made})

    _finish("the migrations", _prorata("migrate"), env=env)
    env.pop("PRORATA_OWNER_URL", None)  # the rest of us works without the owner's rights
    key_name = f"operator_key_{hashlib.sha256(env['DATABASE_URL'].encode()).hexdigest()[:12]}"
    if key_name not in kept:
        kept[key_name] = _finish(
            "the operator's key", _prorata("keys", "create", "--name", "Development"), env=env
        )
        keep_secrets(secrets_file, kept)

    supervisor = stack.enter_context(Supervisor(say=_say))
    webhooks = ("--webhook-url", ports.api_url + WEBHOOK_PATH, "--journal", str(folder / "sandbox.jsonl"))
    supervisor.start(
        "The sandbox provider", _prorata("sandbox", "--port", str(ports.sandbox), *webhooks), env=env
    )
    mailbox = ("--folder", str(folder / "mailbox"), "--port", str(ports.mailbox))
    supervisor.start("The mailbox", _prorata("mailbox", *mailbox, "--smtp-port", str(ports.smtp)), env=env)
    supervisor.start(
        "The issuer", _prorata("issuer", *_issuer_options(folder, ports, with_demo=with_demo)), env=env
    )
    supervisor.start("The worker", _prorata("work"), env=env)
    supervisor.start("The API", _prorata("serve"), env=env)
    _wait_until(
        lambda: (
            all(map(is_answering, (ports.sandbox, ports.mailbox, ports.issuer)))
            and _is_healthy(ports.api_url)
        ),
        supervisor=supervisor,
    )

    if with_demo:
        _play_demo(
            folder / "demo-played", url=ports.api_url, key=kept[key_name], env=env, supervisor=supervisor
        )
    click.echo(
        BANNER.format(
            folder=folder,
            api=ports.api_url,
            sandbox=ports.sandbox_url,
            mailbox=ports.mailbox_url,
            issuer=ports.issuer_url,
            issuer_port=ports.issuer,
            person=people()[0].email if with_demo else "ada@example.com",
            key=kept[key_name],
            env_file=folder / "env",
            program=_program(),
        )
    )
    while not any(server.has_failed() for server in servers):
        supervisor.tend()
        time.sleep(LOOK_SECONDS)
    raise StartFailedError(f"A server ended by itself; see the server.log files below {folder}.")


def _servers(
    folder: Path, *, ports: Ports, password: str, stack: ExitStack
) -> tuple[list[EmbeddedServer], dict[str, str]]:
    """Start those servers that the environment does not name; return them and the addresses they add to it.

    The password is that of the application's role.
    """
    servers: list[EmbeddedServer] = []
    addresses: dict[str, str] = {}
    if not os.environ.get("DATABASE_URL"):
        postgres = stack.enter_context(EmbeddedPostgres(folder / "postgres", port=ports.postgres))
        servers.append(postgres)
        owner = asyncio.run(create_database(postgres.url(), DATABASE))
        addresses["PRORATA_OWNER_URL"] = owner
        addresses["DATABASE_URL"] = as_role(owner, APPLICATION, password=password)
    if not os.environ.get("REDIS_URL"):
        valkey = stack.enter_context(EmbeddedValkey(folder / "valkey", port=ports.valkey))
        servers.append(valkey)
        addresses["REDIS_URL"] = valkey.url
    return servers, addresses


def _settings(ports: Ports, kept: Mapping[str, str]) -> dict[str, str]:
    return {
        "PRORATA_PORT": str(ports.api),
        "PRORATA_SANDBOX_PORT": str(ports.sandbox),
        "PRORATA_SANDBOX_URL": ports.sandbox_url,
        "PRORATA_SANDBOX_KEY": kept["sandbox_key"],
        "PRORATA_WEBHOOK_SECRET": kept["webhook_secret"],
        "PRORATA_KEY_PEPPER": kept["key_pepper"],
        "PRORATA_GRAPHIQL": "true",
        "PRORATA_OIDC_ISSUER": ports.issuer_url,
        "PRORATA_OIDC_AUDIENCE": AUDIENCE,
        "PRORATA_SMTP_URL": f"smtp+plain://127.0.0.1:{ports.smtp}",
        "PRORATA_MAIL_FROM": "Prorata <billing@prorata.test>",
        "PRORATA_APP_URL": f"{ports.api_url}/graphiql",
        "PRORATA_WEBHOOK_PRIVATE_HOSTS": "true",
        "PYTHONUNBUFFERED": "1",
    }


def _issuer_options(folder: Path, ports: Ports, *, with_demo: bool) -> list[str]:
    offered = [
        text
        for each in (people() if with_demo else [])
        for text in ("--person", each.email, each.name, each.about)
    ]
    kept = ("--folder", str(folder / "issuer"), "--port", str(ports.issuer), "--app-url", ports.api_url)
    return [*kept, *offered]


def _keep_env(path: Path, variables: Mapping[str, str]) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}='{value}'\n" for name, value in variables.items()))


def _program() -> str:
    """The command as it was called, to be repeated in a shell."""
    called = sys.argv[0]
    return f"{sys.executable} -m workers" if called.endswith(".py") else called


def _prorata(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "workers", *arguments]


def _finish(what: str, command: list[str], *, env: Mapping[str, str]) -> str:
    """Run a command to its end; return what it printed."""
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise StartFailedError(f"Making {what} failed with exit code {done.returncode}.")
    return done.stdout.strip()


def _wait_until(is_ready: Callable[[], bool], *, supervisor: Supervisor) -> None:
    give_up_at = time.monotonic() + READY_SECONDS
    while not is_ready():
        if ended := supervisor.ended():
            raise StartFailedError(f"{ended[0]} ended before it was ready; its last words are above.")
        if time.monotonic() > give_up_at:
            raise StartFailedError(f"The API was not healthy within {READY_SECONDS} s.")
        time.sleep(LOOK_SECONDS)


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _play_demo(played: Path, *, url: str, key: str, env: Mapping[str, str], supervisor: Supervisor) -> None:
    """Load the demo company once; a failed try is told and made again at the next start."""
    if played.exists():
        return
    _say("loading the demo company")
    command = [sys.executable, "-m", "workers.demo", "--url", url, "--key", key]
    demo = processes.spawn(command, on_orphaned=signal.SIGTERM, env=env)
    try:
        while demo.poll() is None:
            supervisor.tend()
            time.sleep(LOOK_SECONDS)
    finally:
        processes.stop(demo, by=signal.SIGTERM, within_seconds=5)
    if demo.returncode == 0:
        played.touch()
    else:
        _say(f"the demo ended with exit code {demo.returncode}; the next start tries again")


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Let each of three signals interrupt us, whatever the caller's shell did about them; a second one is ignored.

    A program started in the background of a script, for one, has Ctrl-C's signal ignored.
    """
    ours = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for each in ours:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in ours}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _say(text: str) -> None:
    click.echo(f"[prorata] {text}")
