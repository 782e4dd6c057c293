"""Calls functions of the user's, plain or async, so that they can neither block nor crash the program."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

from harness.errors import SystemFailure, UsageError
from harness.registry import load_object
from harness.systems.answers import to_response, valid_text
from harness.types import Query, Response

STUCK_S = 1.0
"""A loop that gives no sign of life for so long after a cancelled call is taken to be blocked by it."""

CLOSE_S = 1.0
"""Seconds that calls still running get to end when the connection closes."""

Ask = Callable[[Query], Awaitable[Any]]
Work = Callable[[], Awaitable[Any]]


@asynccontextmanager
async def imported(path: str, noun: str) -> AsyncIterator[Ask]:
    """Import ``module:attribute``, a callable, and give an async function that calls it.

    The current folder stands first on ``sys.path`` while the connection is open. A plain function runs
    in a daemon thread per call, an async one on an event loop in a daemon thread of its own: a call
    that never returns cannot keep the caller, other calls or the end of the program waiting.

    Raises:
        UsageError: the path names nothing, cannot be imported, or is not callable.
    """
    with folder_importable(Path.cwd()):
        target = load_callable(path, noun)
        calls = _Calls(target)
        try:
            yield calls.ask
        finally:
            await calls.close()


def adapted(system: Callable[[Query], Any]) -> Callable[[Query], Awaitable[Response]]:
    """Give a system that somebody else's ``connect`` yields the form that the adapters of this package have.

    An async system is awaited where it is; a plain one runs in a daemon thread per call. What it raises
    is a SystemFailure of kind ``exception``, what it answers a Response.
    """
    asynchronous = is_async(system)

    async def answer(query: Query) -> Response:
        found = await (guarded(lambda: system(query)) if asynchronous else _in_thread(system, query))
        return to_response(await guarded(lambda: found) if inspect.isawaitable(found) else found)

    return answer


@contextmanager
def folder_importable(folder: Path) -> Iterator[None]:
    """Put a folder first on ``sys.path`` for the time being, so that the user's own modules are found."""
    entry = str(folder)
    if entry in sys.path:
        yield
        return
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        if entry in sys.path:
            sys.path.remove(entry)


def load_callable(path: str, noun: str) -> Callable[[Query], Any]:
    """Import ``module:attribute``, which must be callable.

    Raises:
        UsageError: the path names nothing, cannot be imported, or is not callable.
    """
    target = load_object(path, noun)
    if not callable(target):
        raise UsageError(f"{noun} {path!r} is {type(target).__name__}, not callable")
    found: Callable[[Query], Any] = target
    return found


def is_async(target: Callable[[Query], Any]) -> bool:
    """Whether calling it gives a coroutine."""
    call = getattr(target, "__call__", None)  # noqa: B004 - an object may have an async __call__
    return inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(call)


class _Calls:
    """Calls one function, and owns the loop that its coroutines run on."""

    def __init__(self, target: Callable[[Query], Any]) -> None:
        self._target = target
        self._is_async = is_async(target)
        self._loop: _Loop | None = None

    async def ask(self, query: Query) -> Any:
        """Call the function; whatever it raises is a SystemFailure of kind ``exception``."""
        if self._is_async:
            return await self._on_loop(lambda: self._target(query))
        answer = await _in_thread(self._target, query)
        return await self._on_loop(lambda: answer) if inspect.isawaitable(answer) else answer

    async def _on_loop(self, work: Work) -> Any:
        loop = self._loop
        if loop is not None and not await loop.answers() and self._loop is loop:
            loop.stop()
            self._loop = None
        self._loop = self._loop or _Loop()
        return await self._loop.run(work)

    async def close(self) -> None:
        if self._loop is not None:
            await self._loop.close()


class _Loop:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="harness-system", daemon=True)
        self._ping: asyncio.Future[None] | None = None
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            _cancel_tasks(self._loop)
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()

    async def run(self, work: Work) -> Any:
        """Run on this loop; a call that is cancelled before it could start does not start."""
        cancelled = False

        async def started() -> Any:
            return None if cancelled else await guarded(work)

        future = asyncio.run_coroutine_threadsafe(started(), self._loop)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            cancelled = True
            self._ask_for_a_sign()
            raise

    def _ask_for_a_sign(self) -> None:
        caller = asyncio.get_running_loop()
        ping: asyncio.Future[None] = caller.create_future()

        def sign() -> None:
            with suppress(RuntimeError):  # the caller's loop is closed: nobody waits any more
                caller.call_soon_threadsafe(_settle, ping, None, None)

        self._loop.call_soon_threadsafe(sign)
        self._ping = ping

    async def answers(self) -> bool:
        """Say whether the loop runs; after a cancelled call it has a moment to give a sign of life."""
        if self._ping is not None:
            await asyncio.wait([self._ping], timeout=STUCK_S)
        return self._ping is None or self._ping.done()

    def stop(self) -> None:
        """Let the thread end as soon as it can: running calls are cancelled."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def close(self) -> None:
        """Stop, and wait a little; a blocked thread is left behind, it is a daemon."""
        self.stop()
        await asyncio.to_thread(self._thread.join, CLOSE_S)


def _cancel_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


async def guarded(work: Work) -> Any:
    """Start and await; a cancellation that nobody asked for is a failure, and so is SystemExit."""
    try:
        return await work()
    except SystemFailure:
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise failure_of(error) from error
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        raise failure_of(error) from error


async def _in_thread(function: Callable[[Query], Any], query: Query) -> Any:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def work() -> None:
        try:
            answer, failure = function(query), None
        except SystemFailure as error:
            answer, failure = None, error
        except BaseException as error:  # noqa: BLE001 - even SystemExit must not leave the caller waiting
            answer, failure = None, failure_of(error)
        with suppress(RuntimeError):  # the caller's loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, done, answer, failure)

    threading.Thread(target=work, name="harness-system", daemon=True).start()
    return await done


def _settle(done: asyncio.Future[Any], answer: Any, failure: SystemFailure | None) -> None:
    if done.done():
        return
    if failure is not None:
        done.set_exception(failure)
    else:
        done.set_result(answer)


def failure_of(error: BaseException) -> SystemFailure:
    """What a function of the user's raised, as the failure of its call."""
    return SystemFailure("exception", described(error))


def described(error: BaseException) -> str:
    """``ValueError: what it says``, as valid text."""
    return valid_text(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
