"""What it costs to take secrets out of a log's values: 300 logins known, 4000 characters. Prints, asserts nothing.
Run by ``make bench``, or alone: ``python -m tests.benchmarks.bench_redaction``.
"""

import base64
import pathlib
import random
import string
import sys
import time

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch import logs

SECRETS = 300
CHARACTERS = 4000
ROUNDS = 20


def main() -> None:
    """Measure and print the figures."""
    chosen = random.Random(1)  # noqa: S311 - the same texts each time
    letters = string.ascii_letters + string.digits + "!%&"
    passwords = ["".join(chosen.choices(letters, k=chosen.randint(8, 40))) for _ in range(SECRETS)]
    redactor = logs.Redactor()
    begun = time.perf_counter()
    for password in passwords:
        redactor.register(password)
        redactor.register(base64.b64encode(f"bob@lab.net:{password}".encode()).decode())
    print(f"{SECRETS} passwords and their tokens registered in {(time.perf_counter() - begun) * 1e3:.1f} ms")
    texts = {
        "words": "the quick brown fox " * (CHARACTERS // 20),
        "any characters": "".join(chosen.choices(string.printable, k=CHARACTERS)),
        "beginnings of tokens": base64.b64encode(b"bob@lab.net:").decode() * (CHARACTERS // 16),
        "secrets only": "".join(passwords)[:CHARACTERS],
    }
    for name, text in texts.items():
        begun = time.perf_counter()
        for _ in range(ROUNDS):
            redactor.redact(text)
        print(f"{name:22} {(time.perf_counter() - begun) / ROUNDS * 1e3:6.2f} ms for {CHARACTERS} characters")


if __name__ == "__main__":
    main()
