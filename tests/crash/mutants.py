#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes away one precaution of the library at a time and expects the crash campaign to notice.

Each tests/crash/mutants/NAME.patch is a small diff against the library or the job of a story, its
first line says what it takes away. They are applied to a copy of the tree, one after the other.
A crash suite that passes without an fdatasync proves nothing; this is what shows that ours does
not.

Exit code: 0 when every mutant was caught, 1 when one survived, no longer applies or does not build.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = "tests/crash/crash_campaign"
# What is run, in this order, until something fails.
SUITES = ["CrashCampaign.No*", "CrashScripts.*", "CrashPromises.*", "CacheCampaign.*"]


def copy_tree(target):
    """Copies what the build needs: no repository, no build directories."""
    def ignored(folder, names):
        return [n for n in names if n.startswith(".git")
                or (pathlib.Path(folder) / n / "meson-private").is_dir()]
    shutil.copytree(ROOT, target, ignore=ignored, symlinks=True)


def configure(tree, build):
    command = ["meson", "setup", build, tree, "-Doptimization=1", "-Dbench=disabled",
               "-Dtools=disabled", "-Dexamples=disabled"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def compile_campaign(build, jobs):
    command = ["ninja", "-C", build, "-j", str(jobs), TARGET]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode == 0, done.stdout


def patch(tree, name, *options):
    diff = str(HERE / "mutants" / (name + ".patch"))
    command = ["patch", "-p1", "-s", "-f", *options, "-i", diff]
    done = subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    return done.returncode == 0, done.stdout


def run_suites(build, stories, limit):
    """What caught the mutant, or None."""
    environment = dict(os.environ, LENTIC_CAMPAIGN_STORIES=str(stories))
    for suite in SUITES:
        command = [os.path.join(build, TARGET), "--gtest_brief=1", "--gtest_filter=" + suite]
        try:
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=limit)
        except subprocess.TimeoutExpired:
            return f"{suite.split('.')[0]}, which hung"
        if done.returncode != 0:
            return describe(suite, done)
    return None


def describe(suite, done):
    seed = re.search(r"seed (\d+)", done.stdout)
    test = re.search(r"\[  FAILED  \] (\S+)", done.stdout)
    what = re.search(r'Which is: "(.*)"', done.stdout)
    words = [test.group(1).split(".")[1] if test else suite.split(".")[0]]
    if seed:
        words.append("seed " + seed.group(1))
    if what:
        words.append(what.group(1))
    elif done.returncode < 0:
        words.append(f"signal {-done.returncode}")
    return ", ".join(words)[:120]


def judge(tree, build, name, options):
    """(caught, what to print)."""
    applied, output = patch(tree, name)
    if not applied:
        patch(tree, name, "-R")
        return False, "NO LONGER APPLIES: " + output.strip().splitlines()[-1]
    try:
        built, output = compile_campaign(build, options.jobs)
        if not built:
            return False, "DOES NOT BUILD\n" + output[-2000:]
        caught = run_suites(build, options.stories, options.limit)
    finally:
        patch(tree, name, "-R")
    return (True, caught) if caught else (False, "SURVIVED")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="name the mutants and what they lack")
    parser.add_argument("--only", metavar="NAME", action="append", help="only this one")
    parser.add_argument("--stories", type=int, default=6000, help="of the campaign, each mutant")
    parser.add_argument("--limit", type=float, default=300, help="seconds for one suite")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    return parser.parse_args()


def main():
    options = parse()
    names = sorted(each.stem for each in (HERE / "mutants").glob("*.patch"))
    if options.list:
        for name in names:
            print(f"{name:34}{(HERE / 'mutants' / (name + '.patch')).read_text().splitlines()[0]}")
        return 0
    unknown = set(options.only or []) - set(names)
    if unknown:
        print("no such mutant: " + ", ".join(sorted(unknown)), file=sys.stderr)
        return 2
    work = tempfile.mkdtemp(prefix="lentic-mutants-")
    tree, build = os.path.join(work, "tree"), os.path.join(work, "build")
    bad = 0
    try:
        copy_tree(tree)
        configure(tree, build)
        built, output = compile_campaign(build, options.jobs)
        before = run_suites(build, min(options.stories, 1000), options.limit) if built else output
        if before:
            print("without a mutant: " + before, file=sys.stderr)
            return 1
        for name in options.only or names:
            started = time.monotonic()
            caught, text = judge(tree, build, name, options)
            bad += not caught
            print(f"{name:34}{time.monotonic() - started:5.0f} s  {text}", flush=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{len(options.only or names)} mutants, {bad} not caught")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
