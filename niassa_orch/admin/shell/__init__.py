"""Reads the shell text of crontabs and of their scripts for the two seqware commands; it never runs anything.

What it understands: simple commands, redirections, ``&&``, ``||``, ``if``, ``for``, ``while``, brackets, functions,
here-documents; variables, ``${X:-default}``, ``~``, arguments, ``cd``, ``export``, ``set -a``, ``source``, ``eval``;
the output of ``hostname``, ``whoami``, ``dirname``, ``basename``, ``pwd``; scripts, login shells, and ``sudo``, ``su``,
``runuser``, ``env``, ``flock``, ``timeout``, ``nice`` and their like with the options of their manual pages.
What it refuses to guess: ``case``, what a shell is fed on stdin, globs, arithmetic, other output, unknown options. Such
a value is ``None``; a call that depends on one, a launch in ``$(...)`` or in words for another program, and each line
that mentions launching and was not followed are told with their place. Where ways part, what differs is unknown after.
Of a script that names nothing of seqware only calls are looked for. ``crontabs`` calls it; ``reading`` gives the texts.
"""
