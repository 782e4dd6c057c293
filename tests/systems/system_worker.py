"""A program under test: echoes questions, one JSON line each, and misbehaves on demand."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def fail(query: dict[str, str], _: str) -> None:
    print("worker: " + "x " * 500 + "told to raise", file=sys.stderr, flush=True)
    sys.exit(3)


def cry(query: dict[str, str], rest: str) -> None:
    print(rest, file=sys.stderr, flush=True)
    sys.exit(3)


def nap(query: dict[str, str], seconds: str) -> None:
    time.sleep(float(seconds))
    say(query, "rested")


def hang(query: dict[str, str], _: str) -> None:
    time.sleep(3600)


def child(query: dict[str, str], _: str) -> None:
    started = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(3600)"])
    say(query, str(started.pid))


def last(query: dict[str, str], _: str) -> None:
    started = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(3600)"])
    say(query, f"{os.getpid()} {started.pid}")
    os._exit(0)


def invalid(query: dict[str, str], _: str) -> None:
    sys.stdout.buffer.write(b'{"id": "%s", "output": "a\xffb"}\n' % query["id"].encode())
    sys.stdout.flush()


def close(query: dict[str, str], _: str) -> None:
    os.close(1)
    time.sleep(3600)


def say(query: dict[str, str], output: str) -> None:
    passages = [{"doc_id": "d", "text": query["input"]}]
    print(json.dumps({"id": query["id"], "output": output, "retrieved": passages}), flush=True)


DEEDS = {
    "raise": fail,
    "cry": cry,
    "nap": nap,
    "hang": hang,
    "child": child,
    "last": last,
    "bytes": invalid,
    "close": close,
    "show": lambda query, _: say(query, json.dumps(query)),
    "env": lambda query, _: say(query, json.dumps(dict(os.environ))),
    "pid": lambda query, _: say(query, str(os.getpid())),
    "cwd": lambda query, _: say(query, str(Path.cwd())),
    "raw": lambda _, rest: print(rest, flush=True),
    "long": lambda _, rest: print("y " * (int(rest) // 2), flush=True),
    "error": lambda query, rest: print(json.dumps({"id": query["id"], "error": rest}), flush=True),
}

for line in sys.stdin:
    asked = json.loads(line)
    word, _, rest = asked["input"].partition(" ")
    deed = DEEDS.get(word)
    if deed is None:
        say(asked, asked["input"])
    else:
        deed(asked, rest)
