"""The dashboard: what ``run --dashboard`` and ``niassa-orch top`` show on a terminal, and what their keys do.

Pure: ``cells`` (what a line is made of), the parts of the picture (``header``, ``ranking``, ``columns``, ``curves``,
``accounts_page``, ``account_page``, ``happenings``, ``help_page``), ``screen`` (all of it), ``keys`` (bytes to keys),
``view`` and ``pressing`` (what keys do). What touches the world: ``terminal`` and ``seat``, ``drawing``, ``showing``,
which drives all over a ``source``.
"""
