"""The files of deploy/ agree with the product and with each other."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from c2s_assets.cli.main import _parser
from c2s_assets.core.settings_merge import merge_settings
from c2s_assets_tests.requiring import program, require_programs

TOP = Path(__file__).parents[2]
DEPLOY = TOP / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
_BIN = "/opt/c2s/bin/"


def _compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


def _ours() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, service in _compose()["services"].items():
        if service["image"].startswith("c2s-assets:"):
            yield name, service


def _dockerfile() -> list[str]:
    return (DEPLOY / "Dockerfile").read_text().replace("\\\n", "").splitlines()


def test_images_are_pinned_and_of_no_certain_registry() -> None:
    images = [service["image"] for service in _compose()["services"].values()]
    images += [line.split()[1] for line in _dockerfile() if line.startswith("FROM")]
    assert len(images) == 8
    for image in images:
        assert re.fullmatch(r"[a-z0-9-]+:\d+\.\d+\.\d+(-[a-z-]+)?|[a-z]+:\d+\.\d+-[a-z]+", image), image


def test_the_image_has_the_version_of_the_package() -> None:
    version = re.search(r'^version = "(.*)"', (TOP / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    values = yaml.safe_load((DEPLOY / "helm-values.yaml").read_text())
    tags = {service["image"].partition(":")[2] for _, service in _ours()}
    tags |= {values[part]["image"]["tag"] for part in ("dagsterDaemon", "dagsterWebserver")}
    assert tags == {version[1]}


def test_containers_of_ours_may_change_nothing_but_the_lake() -> None:
    assert {name for name, _ in _ours()} == {"ui", "worker", "readonly"}
    for _, service in _ours():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert {volume.rpartition(":")[2] for volume in service["volumes"]} == {"/lake", "/cache"}
    assert "USER 10001" in _dockerfile()


def test_commands_of_containers_and_units_are_those_of_the_product() -> None:
    commands = [service["command"] for name, service in _ours() if name != "readonly"]
    commands.append(yaml.safe_load(_dockerfile()[-1].removeprefix("CMD ")))
    commands += [words[1:] for words in map(_started, UNITS) if words[0] == f"{_BIN}c2s"]
    assert len(commands) == 5
    for command in commands:
        _parser().parse_args(command)


def test_the_read_only_ui_is_one_that_the_webserver_knows() -> None:
    from dagster_webserver.cli import dagster_webserver

    [unit] = [words[1:] for words in map(_started, UNITS) if words[0] == f"{_BIN}dagster-webserver"]
    container = dict(_ours())["readonly"]["command"]
    for words in (unit, container):
        options = dagster_webserver.make_context("dagster-webserver", list(words)).params
        assert (options["read_only"], options["host"], options["port"]) == (True, "127.0.0.1", 3001)


def test_the_settings_of_dagster_lack_none_of_one_machine() -> None:
    """Nothing is added where the other settings were those of this version: telemetry would be on."""
    ours, theirs = (yaml.safe_load((folder / "dagster.yaml").read_text()) for folder in (TOP, DEPLOY))
    assert merge_settings(theirs, before={}, ours=ours) == theirs


def test_every_process_gets_what_the_settings_of_dagster_ask_for() -> None:
    asked = set(re.findall(r"env: (\w+)", (DEPLOY / "dagster.yaml").read_text()))
    assert asked == {"C2S_POSTGRES", "C2S_REDIS"}
    for _, service in _ours():
        assert asked <= service["environment"].keys()
    for path in UNITS:
        told = re.search(r"^# C2S_LAKE, (\w+) and (\w+)", path.read_text(), re.MULTILINE)
        assert "EnvironmentFile=/etc/c2s/environment" in path.read_text()
        assert told is None or set(told.groups()) == asked


def test_the_front_of_containers_finds_what_its_configuration_names() -> None:
    text = (DEPLOY / "front" / "nginx.conf").read_text()
    places = set(re.findall(r"(/(?:etc|var)/[\w./-]+);?", re.sub(r"^\s*#.*", "", text, flags=re.MULTILINE)))
    front = _compose()["services"]["front"]
    mounted = [volume.split(":")[1] for volume in front["volumes"]] + front["tmpfs"]
    assert places
    for place in places:
        assert any(place.startswith(folder) for folder in mounted), place


@pytest.mark.parametrize("unit", UNITS, ids=[path.stem for path in UNITS])
def test_systemd_takes_the_unit(unit: Path, tmp_path: Path) -> None:
    require_programs("systemd-analyze")
    text = unit.read_text()
    words = _started(unit)
    here = tmp_path / unit.name.replace("@", "@1")
    # Where nothing is installed in /opt, the program is another one.
    here.write_text(text.replace(words[0], sys.executable))
    said = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", str(here)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stderr) == (0, "")


def test_what_the_image_is_made_of_is_enough_to_install_it(tmp_path: Path) -> None:
    """In a plain folder with what COPY puts there, by the command of the image itself."""
    lines = [line for line in _dockerfile() if line.startswith("COPY ") and "--from" not in line]
    for name in [name for line in lines for name in line.split()[1:-1]]:
        copy = shutil.copytree if (TOP / name).is_dir() else shutil.copy
        copy(TOP / name, tmp_path / name)
    [install] = [line for line in _dockerfile() if line.startswith("RUN") and line.endswith(" .")]
    words = shlex.split(install.removeprefix("RUN"))
    assert words[:2] == [f"{_BIN}pip", "install"]
    target = tmp_path / "installed"
    command = [sys.executable, "-m", "pip", *words[1:], "--no-compile", "--target", str(target)]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert (target / "c2s_assets" / "dagster.yaml").read_text() == (TOP / "dagster.yaml").read_text()


def _started(unit: Path) -> list[str]:
    [line] = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    return shlex.split(line)
