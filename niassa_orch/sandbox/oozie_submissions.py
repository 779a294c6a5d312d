"""What is submitted to the Oozie stand-in: Hadoop's ``<configuration>`` and the application folder that it names.

No state, no routes. The folder holds ``workflow.json``, the stand-in's form of ``workflow.xml``, written by the engine
stand-in. Only our own stand-ins and the service under test write these; no DOCTYPE is accepted. Called by ``oozie``.
"""

import json
import pathlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping

from niassa_orch.sandbox import oozie_answers

_STEP_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def parse(text: str) -> dict[str, str]:
    """The properties of a configuration.

    Raises:
        oozie_answers.RefusedError: E0302 when it is no configuration.
    """
    if "<!DOCTYPE" in text:
        raise oozie_answers.RefusedError(
            oozie_answers.Code.BAD_CONFIGURATION, "Invalid parameter [configuration], DOCTYPE is not allowed"
        )
    try:
        root = ET.fromstring(text)  # noqa: S314 - no DOCTYPE, hence no entities of the sender's
    except ET.ParseError as error:
        raise oozie_answers.RefusedError(
            oozie_answers.Code.BAD_CONFIGURATION, f"Invalid parameter [configuration], {error}"
        ) from error
    if root.tag != "configuration":
        raise oozie_answers.RefusedError(
            oozie_answers.Code.BAD_CONFIGURATION, "Invalid parameter [configuration], wrong root element"
        )
    found = ((one.findtext("name"), one.findtext("value")) for one in root.iter("property"))
    return {name.strip(): (value or "").strip() for name, value in found if name}


def write(properties: Mapping[str, str]) -> str:
    """The document for these properties."""
    root = ET.Element("configuration")
    for name, value in properties.items():
        one = ET.SubElement(root, "property")
        ET.SubElement(one, "name").text = name
        ET.SubElement(one, "value").text = value
    return ET.tostring(root, encoding="unicode")


def workflow(app_path: str) -> tuple[str, tuple[str, ...]]:
    """Name and steps of the workflow that the engine left in its application folder.

    Raises:
        oozie_answers.RefusedError: E0504 when there is none, E0701 when its steps cannot be run.
    """
    folder = pathlib.Path(app_path.removeprefix("file://"))
    try:
        found = json.loads((folder / "workflow.json").read_text("utf-8"))
        name, steps = str(found["name"]), tuple(str(one["name"]) for one in found["actions"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"App directory [{app_path}] does not exist or holds no workflow"
        raise oozie_answers.RefusedError(oozie_answers.Code.NO_APPLICATION, message) from error
    if not steps or not all(_STEP_NAME.fullmatch(step) for step in steps):
        raise oozie_answers.RefusedError(
            oozie_answers.Code.BAD_WORKFLOW, f"XML schema error, bad actions in [{app_path}]"
        )
    return name, steps
