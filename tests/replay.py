# SPDX-License-Identifier: Apache-2.0
"""Engines that play recorded answers on a unix socket, and ones that behave badly.

    with HttpReplay(socket, {"/info": {"Name": "web01"}, "/version": HANG}) as engine:
        ...
        engine.requests()  # what it was asked: ["GET /info", ..]

    with GrpcReplay(socket, [Call("/runtime.v1.RuntimeService/Version", message=encode(..))]) as engine:
        ...
        engine.requests()  # [{"method": .., "metadata": {..}, "request": hexadecimal}, ..]

An engine is a process of its own, that has the name and the arguments that it is given (program=..,
arguments=[..]): so it is found like a real one. What it isn't asked for as it knows it, it answers as real
ones do: 404, or UNIMPLEMENTED. Other recorders on this host find it, too, and are answered alike; what they
ask is not counted.

This file is also the engine's program; it is started by the classes below.
"""

import base64
import dataclasses
import functools
import json
import os
import pathlib
import socket as sockets
import socketserver
import struct
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler

SOURCE = pathlib.Path(__file__).resolve().parents[1]

# Ways to behave badly, in place of an answer, or instead of the rest of it.
HANG = "hang"  # before the answer
HANG_MIDWAY = "hang-midway"  # after half of it
CLOSE_MIDWAY = "close-midway"
GARBAGE = "garbage"
FLOOD = "flood"  # 1 GB
LIE = "lie"  # says 1 GB, sends nothing
WRONG_TYPE = "wrong-type"  # of content

GIGABYTE = 1 << 30


# ---- for tests ----

@dataclasses.dataclass
class Answer:
    """What a path of an HTTP engine is answered with: `body` is bytes, or a document."""

    body: object = b""
    status: int = 200
    behaviour: str = ""

    def as_json(self):
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return {"body": base64.b64encode(body).decode(), "status": self.status,
                "behaviour": self.behaviour}


@dataclasses.dataclass
class Call:
    """What a call is answered with: `message` is a serialised message, `status` gRPC's. It stands for
    calls of `method`; with this metadata, if any is given; with this request, if it is given. The first
    that fits is taken."""

    method: str
    message: bytes = b""
    metadata: dict = dataclasses.field(default_factory=dict)
    request: bytes = None
    status: int = 0
    words: str = ""
    behaviour: str = ""

    def as_json(self):
        return {**dataclasses.asdict(self), "message": self.message.hex(),
                "request": None if self.request is None else self.request.hex()}


class Replay:
    """An engine that runs as long as the `with` block lasts."""

    def __init__(self, socket, protocol, answers, program="engine", arguments=()):
        self.socket = pathlib.Path(socket)
        self.answers = pathlib.Path(f"{socket}.answers")
        self.log = pathlib.Path(f"{socket}.requests")
        self.command = [program, __file__, protocol, socket, *arguments]
        self.change(answers)
        self.log.write_bytes(b"")
        self.process = None
        self.user = None

    def run_by(self, user):
        """Runs as another user, by number, who may write where the socket is."""
        self.user = user
        self.log.chmod(0o666)
        return self

    def change(self, answers):
        """Answers otherwise from now on."""
        temporary = pathlib.Path(f"{self.answers}.new")
        temporary.write_text(json.dumps(answers))
        temporary.rename(self.answers)

    def requests(self):
        """What it was asked since it began, by processes that the test started."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def asked_by(self, step):
        """What it is asked while `step`, a function, runs."""
        before = len(self.requests())
        step()
        return self.requests()[before:]

    def __enter__(self):
        self.process = subprocess.Popen([str(word) for word in self.command], executable=sys.executable,
                                        user=self.user, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            self.__exit__()
            raise AssertionError(f"the engine {self.command} doesn't start")
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=60)
        self.socket.unlink(missing_ok=True)


class HttpReplay(Replay):
    """Answers GET requests by their path, with its query or else without: `answers` is a dictionary of
    documents, Answers, or ways to behave badly."""

    def __init__(self, socket, answers, **keywords):
        super().__init__(socket, "http", answers, **keywords)

    def change(self, answers):
        super().change({path: self._answer(answer).as_json() for path, answer in answers.items()})

    @staticmethod
    def _answer(answer):
        if isinstance(answer, Answer):
            return answer
        if isinstance(answer, str):
            return Answer(behaviour=answer)
        return Answer(body=answer)


class GrpcReplay(Replay):
    """Answers unary calls: `answers` is a list of Calls. Wants python3-h2."""

    def __init__(self, socket, answers, **keywords):
        super().__init__(socket, "grpc", answers, **keywords)

    def change(self, answers):
        super().change([answer.as_json() for answer in answers])


@functools.lru_cache(maxsize=None)
def encode(kind, text=""):
    """The message `kind` ("containerd.ListTasksResponse", "cri.Container") in protocol buffers' text
    format as its bytes. Wants protoc."""
    name = kind.split(".")[0]
    folder = SOURCE / "recorder/engines/proto"
    return subprocess.run(["protoc", f"--proto_path={folder}", f"--encode={kind}", f"{name}.proto"],
                          input=text.encode(), capture_output=True, check=True).stdout


# ---- the engine ----

def parent_of(pid):
    """As /proc/PID/stat has it; 0 if there is no such process."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def is_below(ancestor, pid):
    while pid not in (0, ancestor):
        pid = parent_of(pid)
    return pid == ancestor


class Recorded:
    """The answers, as they are at the moment, and the list of what the test asked."""

    def __init__(self, socket):
        self.answers = pathlib.Path(f"{socket}.answers")
        self.log = open(f"{socket}.requests", "a", encoding="utf-8")
        self.lock = threading.Lock()
        self.test = os.getppid()
        self.at = self.known = None

    def asked(self, connection, request):
        pid, _, _ = struct.unpack("3i", connection.getsockopt(sockets.SOL_SOCKET, sockets.SO_PEERCRED, 12))
        with self.lock:
            if is_below(self.test, pid):
                self.log.write(json.dumps(request) + "\n")
                self.log.flush()
            return self.current()

    def current(self):
        at = self.answers.stat().st_mtime_ns
        if at != self.at:
            self.at, self.known = at, json.loads(self.answers.read_text())
        return self.known


def hang():
    while True:
        time.sleep(3600)


class HttpHandler(BaseHTTPRequestHandler):
    """A connection of HTTP/1.1."""

    protocol_version = "HTTP/1.1"
    recorded = None

    def do_GET(self):
        answers = self.recorded.asked(self.connection, f"GET {self.path}")
        answer = answers.get(self.path) or answers.get(self.path.split("?")[0]) or {
            "body": base64.b64encode(b'{"message":"page not found"}').decode(), "status": 404,
            "behaviour": ""}
        self.play(base64.b64decode(answer["body"]), answer["status"], answer["behaviour"])

    def play(self, body, status, behaviour):
        if behaviour == HANG:
            hang()
        if behaviour == GARBAGE:
            self.wfile.write(os.urandom(65536))
            self.close_connection = True
            return
        length = GIGABYTE if behaviour in (LIE, FLOOD) else max(len(body), 2)
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if behaviour == WRONG_TYPE else "application/json")
        if behaviour == FLOOD:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.play_body(body or b"{}", behaviour)

    def play_body(self, body, behaviour):
        if behaviour == FLOOD:
            chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
            for _ in range(GIGABYTE // 0x100000):
                self.wfile.write(chunk)
        elif behaviour in (HANG_MIDWAY, CLOSE_MIDWAY):
            self.wfile.write(body[:len(body) // 2])
            self.wfile.flush()
            self.close_connection = True
            if behaviour == HANG_MIDWAY:
                hang()
        elif behaviour == LIE:
            hang()
        else:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


class GrpcHandler(socketserver.BaseRequestHandler):
    """A connection of HTTP/2, by h2, on which calls come one after the other."""

    recorded = None

    def setup(self):
        import h2.config
        import h2.connection
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.streams = {}  # number: (headers, body)

    def handle(self):
        self.h2.initiate_connection()
        self.send()
        while self.receive():
            pass

    def send(self):
        self.request.sendall(self.h2.data_to_send())

    def receive(self):
        """Takes what comes, and answers what is complete; False at the end."""
        import h2.events
        data = self.request.recv(65536)
        if not data:
            return False
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                headers = {name.decode(): value.decode() for name, value in event.headers}
                self.streams[event.stream_id] = (headers, bytearray())
            elif isinstance(event, h2.events.DataReceived):
                self.streams[event.stream_id][1].extend(event.data)
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.send()
                self.answer(event.stream_id, *self.streams.pop(event.stream_id))
            elif isinstance(event, h2.events.ConnectionTerminated):
                return False
        self.send()
        return True

    def answer(self, stream, headers, body):
        metadata = {name: value for name, value in headers.items()
                    if not name.startswith(":") and name not in ("content-length", "grpc-timeout")}
        asked = {"method": headers[":path"], "metadata": metadata, "request": bytes(body[5:]).hex()}
        for call in self.recorded.asked(self.request, asked):
            if call["method"] == asked["method"] and call["request"] in (None, asked["request"]) \
                    and call["metadata"].items() <= metadata.items():
                return self.play(stream, call)
        return self.play(stream, {"message": "", "status": 12, "words": "unknown service",
                                  "behaviour": ""})

    def play(self, stream, call):
        behaviour = call["behaviour"]
        if behaviour == HANG:
            hang()
        if behaviour == GARBAGE:
            self.request.sendall(os.urandom(65536))
            return
        content = "text/html" if behaviour == WRONG_TYPE else "application/grpc"
        self.h2.send_headers(stream, [(":status", "200"), ("content-type", content)])
        self.play_message(stream, bytes.fromhex(call["message"]), call["status"], behaviour)
        self.h2.send_headers(stream, [("grpc-status", str(call["status"])),
                                      ("grpc-message", call["words"])], end_stream=True)
        self.send()

    def play_message(self, stream, message, status, behaviour):
        length = GIGABYTE if behaviour in (LIE, FLOOD) else len(message)
        whole = b"\0" + length.to_bytes(4, "big") + message
        if behaviour == FLOOD:
            for _ in range(GIGABYTE // 65536):
                self.send_data(stream, b" " * 65536)
        elif behaviour in (HANG_MIDWAY, CLOSE_MIDWAY):
            self.send_data(stream, whole[:len(whole) // 2])
            if behaviour == HANG_MIDWAY:
                hang()
            raise ConnectionAbortedError
        elif not status:
            self.send_data(stream, whole)

    def send_data(self, stream, data):
        """As much as the other side takes at once, again and again."""
        while data:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room:
                self.h2.send_data(stream, data[:room])
                data = data[room:]
            self.send()
            if not room and not self.receive():
                raise ConnectionAbortedError


class Server(socketserver.ThreadingUnixStreamServer):
    """Serves each connection in a thread of its own."""

    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        """Who asks may go whenever it likes; anything else is an error of this file."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(*_)


def end_with_the_test():
    sys.stdin.buffer.read()
    os._exit(0)


def main(program, protocol, path):
    with open("/proc/self/comm", "w", encoding="utf-8") as file:
        file.write(program)
    handler = {"http": HttpHandler, "grpc": GrpcHandler}[protocol]
    handler.recorded = Recorded(path)
    pathlib.Path(path).unlink(missing_ok=True)
    with Server(path, handler) as server:
        print("ready", flush=True)
        threading.Thread(target=end_with_the_test, daemon=True).start()
        server.serve_forever()


if __name__ == "__main__":
    # What it is called stands before the program: /proc has it, and sys.orig_argv.
    main(pathlib.Path(sys.orig_argv[0]).name, *sys.argv[1:3])
