#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drives the example asio_tcp_server: commands, kill -9, restart, signal, wrong use.

Usage: run_asio_tcp_server.py PROGRAM
Exit status 1, with what went wrong, when the server does not do what it promises.
"""
import re
import signal
import socket
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
PATIENCE_S = 60  # how long a hang may last before it is one


class Server:
    """A running server and the means to talk to it."""

    def __init__(self, state):
        self.process = subprocess.Popen([PROGRAM, state, "--stats-ms", "20"], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
        if not found:
            sys.exit(f"FAILED: instead of its port it said {line!r}: {self.process.stderr.read()}")
        self.port = int(found.group(1))

    def connect(self):
        return Client(self.port)

    def end(self, number):
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, errors


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.lines = self.socket.makefile("rw", encoding="utf-8", newline="\n")

    def send(self, line):
        self.lines.write(line + "\n")
        self.lines.flush()

    def ask(self, line):
        self.send(line)
        return self.lines.readline().rstrip("\n")

    def ask_for_lines(self, line):
        self.send(line)
        return list(iter(lambda: self.lines.readline().rstrip("\n"), "."))

    def close(self):
        self.lines.close()
        self.socket.close()


def expect(found, wanted, what):
    if found != wanted:
        sys.exit(f"FAILED: {what}: {found!r} instead of {wanted!r}")


def expect_exit(arguments, status, pattern):
    done = subprocess.run([PROGRAM, *arguments], text=True, capture_output=True, check=False,
                          timeout=PATIENCE_S)
    expect(done.returncode, status, f"exit status with {arguments}")
    if not re.search(pattern, done.stdout + done.stderr):
        sys.exit(f"FAILED: {arguments} printed {done.stdout!r} {done.stderr!r}")


def first_life(state):
    server = Server(state)
    client = server.connect()
    for count in range(1, 4):
        expect(client.ask("ADD still"), str(count), "ADD")
    other = server.connect()
    expect(other.ask("ADD water"), "1", "ADD of another client")
    expect(other.ask("GET still"), "3", "GET")
    expect(other.ask("GET nothing"), "0", "GET of an unknown word")
    expect(other.ask_for_lines("TOP 2"), ["still 3", "water 1"], "TOP")
    for wrong in ("", "ADD", "ADD two words", "TOP 0", "TOP 1000", "DROP still", "ADD " + 65 * "x"):
        expect(other.ask(wrong)[:3], "ERR", f"answer to {wrong!r}")
    expect_exit([state], 1, "in use")
    expect_exit([state + "-other", "--port", str(server.port)], 1, "in use")
    client.send("ADD gone")  # and does not wait for the answer
    client.close()
    other.send("QUIT")
    expect(other.lines.readline(), "", "the end after QUIT")
    while "total" not in server.process.stderr.readline():
        pass  # from the other thread
    server.end(signal.SIGKILL)


def second_life(state):
    server = Server(state)
    client = server.connect()
    expect(client.ask("GET still"), "3", "GET after kill -9")
    expect(client.ask("ADD water"), "2", "ADD after kill -9")
    many = [server.connect() for _ in range(8)]
    for each in many:
        each.send("ADD shared")
    counts = sorted(int(each.lines.readline()) for each in many)
    expect(counts, list(range(1, 9)), "ADD of eight clients at once")
    idle = server.connect()
    status, errors = server.end(signal.SIGTERM)
    expect(status, 0, f"exit status after SIGTERM ({errors})")
    expect(idle.lines.readline(), "", "what an idle client hears of SIGTERM")


def third_life(state):
    server = Server(state)
    client = server.connect()
    expect(client.ask_for_lines("TOP 2"), ["shared 8", "still 3"], "TOP after SIGTERM")
    expect(server.end(signal.SIGINT)[0], 0, "exit status after SIGINT")


expect_exit(["--help"], 0, "Usage")
expect_exit([], 2, "Usage")
expect_exit(["state", "--port", "x"], 2, "Usage")
expect_exit(["state", "--port"], 2, "Usage")
with tempfile.TemporaryDirectory() as work:
    first_life(work + "/state")
    second_life(work + "/state")
    third_life(work + "/state")
