#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""suite_targets.py BUILD SUITE: what ninja must build for the tests of that suite, one a line."""

import json
import os
import subprocess
import sys


def introspected(build, what):
    out = subprocess.run(["meson", "introspect", build, what], check=True, capture_output=True)
    return json.loads(out.stdout)


def main():
    build, suite = sys.argv[1:]
    needed = set()
    for test in introspected(build, "--tests"):
        if any(name.split(":")[-1] == suite for name in test["suite"]):
            needed.update(test["depends"])
    root = os.path.realpath(build)
    for target in introspected(build, "--targets"):
        if target["id"] in needed:
            for name in target["filename"]:
                print(os.path.relpath(os.path.realpath(name), root))


if __name__ == "__main__":
    main()
