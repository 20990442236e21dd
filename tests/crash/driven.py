# SPDX-License-Identifier: Apache-2.0
"""One life of the program `durable`, and the judgement over two that follow each other.

The program prints "recovered N" once it has checked its state, then "ack N" for each durable
commit. After a crash the next "recovered R" must satisfy acked <= R <= acked + 1: one commit may
have been under way."""
import signal
import subprocess
import tempfile


class BrokenPromise(Exception):
    pass


class Life:
    def __init__(self, command):
        self.errors = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors,
                                        text=True)
        self.recovered = None
        self.acked = None

    def read_line(self):
        """False at the end, or at a line that the crash cut short."""
        line = self.process.stdout.readline()
        if not line.endswith("\n"):
            return False
        word, number = line.split()
        number = int(number)
        if word == "recovered":
            self.recovered = self.acked = number
        elif number != self.acked + 1:
            raise BrokenPromise(f"ack {number} after {self.acked}")
        else:
            self.acked = number
        return True

    def wait_recovered(self):
        if not self.read_line() or self.recovered is None:
            self.process.wait()
            self.errors.seek(0)
            raise BrokenPromise(f"did not recover (exit {self.process.returncode}): "
                                + self.errors.read().strip())

    def wait_acks(self, count):
        until = self.acked + count
        while self.acked < until:
            if not self.read_line():
                self.process.wait()
                self.errors.seek(0)
                raise BrokenPromise(f"ended by itself (exit {self.process.returncode}): "
                                    + self.errors.read().strip())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)

    def drain(self):
        """Reads what the dead process had said, and reaps it."""
        while self.read_line():
            pass
        self.process.stdout.close()
        self.process.wait()
        self.errors.close()


def judge(promised, at_most, life):
    if life.recovered < promised:
        raise BrokenPromise(f"LOST: {promised} was acknowledged, {life.recovered} recovered")
    if life.recovered > at_most:
        raise BrokenPromise(f"INVENTED: at most {at_most} was committed, "
                            f"{life.recovered} recovered")
