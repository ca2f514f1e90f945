"""A drill: its server, the credentials that it hands out, and the verdict on your prediction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from authlens_core.desk.credentials import CloudflaredDirectory, CloudflaredToken, ServiceToken
from authlens_core.desk.session import Session
from authlens_core.export.saved_file import write_export
from authlens_core.trace.record import Trace
from authlens_core.values.errors import AuthlensError
from authlens_core.values.login_options import Options
from authlens_core.values.secret import Secret
from authlens_core.values.stage import GrantType
from authlens_lab.emulator import (
    IDP_CLIENT,
    Emulator,
    Fault,
    MachineClient,
    Machines,
    PlayResult,
    Profile,
    play_person,
)
from authlens_lab.emulator.origins import NAMES
from authlens_lab.learning.catalogue import drills
from authlens_lab.learning.lesson import CourseLesson, OwnerSetting, Walk
from authlens_lab.learning.progress import LessonProgress, ProgressFile
from authlens_lab.learning.row import EvidenceRow, rows_of
from authlens_lab.learning.verdict import TooManySteps, confirmed

__all__ = ["DrillVerdict", "DrillWorld", "OwnerSetting", "drill_card", "drill_verdicts", "store_verdict"]


class DrillWorld:
    """The server of one drill, or of several that break Cloudflare Access; start and stop it.

    Args:
        drills: without any, nothing is broken.
        port: the callback port of every login; 0 for any free one.
        token_lifetime: seconds that an access token is good for.
        names: the hosts of the resource and of its login server.
    """

    def __init__(
        self,
        drills: Sequence[CourseLesson] = (),
        *,
        port: int = 0,
        token_lifetime: int = 60,
        names: tuple[str, str] = NAMES,
    ) -> None:
        self._port = port
        self._walk = drills[0].drill.walk if drills else Walk.WALK
        self._client = drills[0].drill.client if drills else None
        self._directory: TemporaryDirectory[str] | None = None
        faults = [fault for drill in drills for fault in drill.world.faults]
        profile = drills[0].world.profile if drills else Profile.ACCESS
        self.emulator = Emulator(
            profile,
            faults=faults,
            access_token_lifetime=token_lifetime,
            callback_port=port,
            names=names,
        )

    async def start(self) -> None:
        """Start the server; raise OSError if no port is free."""
        await self.emulator.start()

    async def stop(self) -> None:
        self._clear()
        await self.emulator.stop()

    @staticmethod
    async def sign_in(page: str) -> PlayResult:
        """Sign in as the user at a page of the server, and follow it back to the callback.

        Raises:
            OSError, TimeoutError, ValueError: the page cannot be opened.
        """
        return await play_person(page)

    @property
    def resource_url(self) -> str:
        return self.emulator.resource_url

    def options(self, *, accepts_old_servers: bool = False) -> Options:
        """Return the options of a login: those of a program, or by a code, if the drill is about that.

        Args:
            accepts_old_servers: take the decision for an old server that a user takes with a key.
        """
        emulator = self.emulator
        if self._client is not None and emulator.is_for_machines:
            return self._client_options(self._client, emulator.machines)
        busy_port = emulator.taken_port
        by_code = self._walk is Walk.DEVICE_CODE
        return Options(
            port=self._port if busy_port is None else busy_port,
            grant_type=GrantType.DEVICE_CODE if by_code else GrantType.AUTHORIZATION_CODE,
            legacy_paths=accepts_old_servers and self._walk is Walk.DEFAULT_PATHS,
        )

    def _client_options(self, client: MachineClient, machines: Machines) -> Options:
        """Return the options of a login as one of the emulator's programs; its assertion is in a file."""
        secret = Secret(machines.secret)
        login = Options(client_id=client.value, client_secret=secret, grant_type=GrantType.CLIENT_CREDENTIALS)
        match client:
            case MachineClient.KEY:
                return replace(login, client_secret=None, client_key=Secret(machines.private_key))
            case MachineClient.WORKLOAD:
                file = self._assertion(machines.assertion(once=False))
                by_platform = replace(login, client_secret=None, grant_type=GrantType.JWT_BEARER)
                return replace(by_platform, assertion_file=file)
            case MachineClient.ENTERPRISE:
                file = self._assertion(machines.id_token())
                provider = replace(login, idp=f"{machines.idp}/token", idp_client_id=IDP_CLIENT)
                return replace(provider, grant_type=GrantType.TOKEN_EXCHANGE, assertion_file=file)
        return login

    def _assertion(self, text: str) -> str:
        path = self._folder() / "assertion"
        write_export(path, text, force=True)
        return str(path)

    def _folder(self) -> Path:
        if self._directory is None:
            self._directory = TemporaryDirectory(prefix="authlens-demo-")
        return Path(self._directory.name)

    async def hand_out(self, session: Session) -> None:
        """Store the drill's other credential where the dashboard finds it, to be probed there.

        A service token is where service tokens are stored; a token of cloudflared in a directory of its own,
        in a file with the name that cloudflared gives it.
        """
        emulator = self.emulator
        with suppress(AuthlensError, OSError):  # then its row is missing, and the login continues
            if Fault.SERVICE_AUTH_MISSING in emulator.faults:
                await self._store_service_token(emulator, session)
            if Fault.BINDING_COOKIE in emulator.faults:
                jwt = await emulator.app_token()
                path = self._folder() / f"{urlsplit(emulator.resource_url).netloc}-token"
                write_export(path, jwt, force=True)

    async def _store_service_token(self, emulator: Emulator, session: Session) -> None:
        client_id, secret = emulator.service_token
        tokens = session.credentials.service_tokens
        if not any(token.client_id == client_id for token in tokens.list()):
            token = ServiceToken.new(emulator.resource_url, client_id, label="demo service token")
            await tokens.save(token, Secret(secret))

    def find_tokens(self) -> tuple[CloudflaredToken, ...]:
        """Return the tokens of cloudflared that were handed out."""
        directory = self._directory
        return () if directory is None else CloudflaredDirectory(Path(directory.name)).find()

    async def take_back(self, session: Session) -> None:
        """Remove everything that was handed out.

        Raises:
            AuthlensError: it could not be removed.
        """
        tokens = session.credentials.service_tokens
        for token in tokens.list():
            await tokens.remove(token.token_id)
        self._clear()

    def _clear(self) -> None:
        directory, self._directory = self._directory, None
        if directory is not None:
            directory.cleanup()

    def rows(self, traces: Iterable[Trace]) -> tuple[EvidenceRow, ...]:
        """Return everything that happened here, in its order, given what you sent."""
        emulator = self.emulator
        parties = {emulator.resource_url: "resource", emulator.server_url: "server"}
        records = [record for trace in traces for record in trace.records]
        return rows_of(records, emulator.ledger.events, parties)

    def verdict(self, drill: CourseLesson, predicted: str, traces: Iterable[Trace]) -> DrillVerdict:
        """Return the verdict on a prediction, given what you sent."""
        return verdict_on(drill, predicted, self.rows(traces))


class DrillVerdict(Struct, frozen=True):
    """The verdict on a prediction.

    Attributes:
        predicted: the chosen option; empty if there is none.
        held: the one that the trace shows; empty while it shows none, or more than one.
        arrow: the number of the request that shows it last, from 1; 0 without one.
        option: what the option says that the trace shows.
    """

    predicted: str
    held: str
    arrow: int = 0
    option: str = ""

    @property
    def is_right(self) -> bool:
        return bool(self.held) and self.predicted == self.held

    @property
    def sentence(self) -> str:
        """The verdict in a sentence."""
        arrow = f" (arrow {self.arrow})" if self.arrow else ""
        if not self.held:
            result = "Your trace does not show it yet."
        elif self.is_right:
            return f"You predicted {self.predicted}, and your trace shows it{arrow}."
        else:
            result = f"Your trace shows {self.held}, “{self.option}”{arrow}."
        return f"You predicted {self.predicted}. {result}" if self.predicted else result

    @property
    def sign(self) -> str:
        """The verdict as a sign."""
        if not self.held:
            return "–"
        return "✔" if self.is_right else "✖"


def verdict_on(drill: CourseLesson, predicted: str, rows: Sequence[EvidenceRow]) -> DrillVerdict:
    """Return the verdict on a prediction, given what happened; a trace that is too long shows nothing."""
    options: dict[str, int] = {}
    with suppress(TooManySteps):
        options = confirmed(drill.prediction.options, rows)
    if len(options) != 1:
        return DrillVerdict(predicted, "")
    [(option, arrow)] = options.items()
    return DrillVerdict(predicted, option, arrow, drill.prediction.words[option])


def drill_verdicts(progress: ProgressFile) -> dict[str, DrillVerdict]:
    """Return the stored verdicts by the names of the drills; without arrows, because traces are not stored.

    Raises:
        LessonRefused: the stored progress cannot be read.
    """
    stored = progress.read()
    verdicts = {}
    for name, drill in drills().items():
        options = drill.prediction.words
        if name in stored and (moves := stored[name].read()) and stored[name].held in options:
            letter = stored[name].held
            verdicts[name] = DrillVerdict(moves[0]["option"], letter, option=options[letter])
    return verdicts


def store_verdict(progress: ProgressFile, drill: CourseLesson, verdict: DrillVerdict) -> None:
    """Store the verdict on a prediction; if it cannot be stored, the drill goes on."""

    def changed(progress: LessonProgress) -> LessonProgress:
        return replace(progress, moves=(f"predict {verdict.predicted}",), held=verdict.held)

    with suppress(AuthlensError):
        progress.change(drill.name, changed)


def drill_card(drill: CourseLesson, verdict: DrillVerdict | None) -> tuple[tuple[str, str], ...]:
    """Return headings with their texts; the answer is among them once the trace shows it."""
    marks = {verdict.predicted: " ✖", verdict.held: " ✔"} if verdict and verdict.held else {}
    options = (
        f"- {letter}: {text}{marks.get(letter, '')}" for letter, text in drill.prediction.words.items()
    )
    question = "\n".join((drill.prediction.text, *options))
    texts = [("Predict" if verdict is None else "You predicted", question)]
    if verdict is not None:
        texts.append(("Verdict", verdict.sentence))
        if verdict.held or not drill.drill.ends_at_the_dashboard:
            texts += [("Answer", drill.drill.answer), ("What there was to see", drill.watch_for)]
    return (*texts, ("How", drill.drill.how))
