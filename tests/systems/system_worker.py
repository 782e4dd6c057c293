"""A program under test: echoes questions, one JSON line each, and misbehaves on demand."""

import json
import os
import subprocess
import sys
import time


def main() -> None:
    for line in sys.stdin:
        query = json.loads(line)
        asked = query["input"]
        word, _, rest = asked.partition(" ")
        if word == "raise":
            print("worker: " + "x" * 1000 + " told to raise", file=sys.stderr, flush=True)
            sys.exit(3)
        elif word == "hang":
            time.sleep(3600)
        elif word == "child":
            child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(3600)"])
            say(query, {"output": str(child.pid)})
        elif word == "show":
            say(query, {"output": line})
        elif word == "env":
            say(query, {"output": json.dumps(dict(os.environ))})
        elif word == "pid":
            say(query, {"output": str(os.getpid())})
        elif word == "cwd":
            say(query, {"output": os.getcwd()})
        elif word == "bytes":
            sys.stdout.buffer.write(b'{"id": "%s", "output": "a\xffb"}\n' % query["id"].encode())
            sys.stdout.flush()
        elif word == "raw":
            print(rest, flush=True)
        elif word == "long":
            print("y" * int(rest), flush=True)
        elif word == "close":
            os.close(1)
            time.sleep(3600)
        else:
            say(query, {"output": asked, "retrieved": [{"doc_id": "d", "text": asked}]})


def say(query: dict, fields: dict) -> None:
    print(json.dumps({"id": query["id"], **fields}), flush=True)


main()
