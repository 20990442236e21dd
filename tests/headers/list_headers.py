#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints every public header of the tree in the form in which it is included, sorted."""
import pathlib
import sys

top = pathlib.Path(sys.argv[1])
roots = [top / floor / "include" for floor in ("coro", "lib", "windows")]
names = [path.relative_to(root).as_posix() for root in roots for path in root.rglob("*.hpp")]
print("\n".join(sorted(names)))
