"""The stage of the demo with real Unix users: made for it, and removed after it, also when it fails.

A service user, a Unix user an account, a sudoers rule that names the mediator and nothing else, the mediator root-owned
beside its configuration, and a staged installation of the service. Needs root and sudo. Called by the command line.
"""

import contextlib
import os
from collections.abc import Iterator

from niassa_orch.sandbox import demo, demo_plan, layout, staging, unix_users
from niassa_orch.seqware import installation


@contextlib.contextmanager
def stage() -> Iterator[demo.Stage]:
    """A stage on which each account has a Unix user of its own.

    Raises:
        DemoError: This machine cannot do it; the message says why.
        StagingError: Other users cannot run this interpreter.
    """
    reason = unix_users.skip_reason()
    if reason is not None:
        message = f"{reason}; the demo without real users needs neither: niassa-orch demo"
        raise demo.DemoError(message)
    os.umask(0o022)
    with unix_users.unix_users(*demo_plan.SERVED) as made:
        staged = staging.stage(made.root / "installation", made.service.uid)
        directory = made.root / "sandbox"
        place = layout.Layout(directory)
        configuration = installation.MediatorConfiguration(
            command=(str(place.engine),), deadline_seconds=60, kill_grace_seconds=2
        )
        mediator = installation.install(made.owned, configuration)
        yield demo.Stage(
            directory=directory,
            unix_users={name: made[name].name for name in demo_plan.SERVED},
            service_argv=staged.argv,
            service_user=made.service.name,
            service_environment={
                **staged.environment,
                "HOME": str(made.service.home),
                "NIASSA_ORCH_ENGINE__MEDIATOR": str(mediator),
            },
        )
