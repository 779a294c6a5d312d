"""What the steps of a whitestar run wrote, put into its record when the run has ended.

No job of Oozie's tells of a whitestar run, so that nobody else comes by it: it is written once, after the verdict on
its call. What cannot be read or written costs nothing but an event. Called by ``core.launching``.
"""

from niassa_orch import errors
from niassa_orch.core import board, enrolling, step_texts, writing
from niassa_orch.domain import runs, selection, texts


class WhitestarTexts:
    """Writes the texts of one account's whitestar runs.

    Args:
        told: The board, for events.
        files: Reads the files of the account's runs.
    """

    def __init__(self, told: board.Board, files: step_texts.StepTexts) -> None:
        self._board = told
        self._files = files

    async def write(self, enrolled: enrolling.Enrolled, accession: runs.Accession) -> None:
        """Put what the steps wrote beside the status with which the run ended; raises nothing that concerns this."""
        try:
            trouble = await self._write(enrolled, accession)
        except errors.WebServiceError as exc:
            trouble = str(exc)
        if trouble:
            fields = {"accession": accession, "reason": trouble}
            name, account = "texts.not_written", enrolled.account.name
            self._board.event(name, account=account, level=board.Level.WARNING, **fields)

    async def _write(self, enrolled: enrolling.Enrolled, accession: runs.Accession) -> str:
        """Why it was not done, or ``""``."""
        run = (await enrolled.web_service.get_run(accession)).run
        if run.status not in runs.ENDED or not selection.is_of(run, enrolled.account):
            return "somebody moved the run meanwhile"
        found = texts.step_texts(run, await self._files.read(enrolled, run, None))
        if not found:
            return f"its step files in {run.working_dir} cannot be read"
        written = (await writing.write(enrolled, run, found)).written
        return "" if written.is_in_record else f"the record says something else ({written})"
