"""Hostile input: targets that give a reader mutated files, and a runner for any number of cases.

`python -m tests.fuzz.run --help` says how to run them; `test_fuzz` runs a few of each.

A target is a function of bytes. What it calls must return a valid value or raise `InputError` with
one printable line, soon and in bounded memory. Anything else is a bug: it gets a fix, and a test
beside the other tests of that module. Seeds are made in code; no file is kept here.
"""
