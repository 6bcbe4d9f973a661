"""The files of deploy/ agree with the product and with each other."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from c2s_assets.cli.main import _parser
from c2s_assets.core.settings_merge import merge_settings
from c2s_assets_tests.deploy.image import dockerfile, parsed_by_dagster
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


def test_images_are_pinned_and_of_no_certain_registry() -> None:
    images = [service["image"] for service in _compose()["services"].values()]
    images += [line.split()[1] for line in dockerfile() if line.startswith("FROM")]
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
    assert "USER 10001" in dockerfile()


def test_commands_of_containers_and_units_are_those_of_the_product() -> None:
    commands = [service["command"] for name, service in _ours() if name != "readonly"]
    commands.append(yaml.safe_load(dockerfile()[-1].removeprefix("CMD ")))
    commands += [[words[0].removeprefix(_BIN), *words[1:]] for words in map(_started, UNITS)]
    commands = [command[1:] for command in commands if command[0] == "c2s"]
    assert len(commands) == 5
    for command in commands:
        _parser().parse_args(command)


def test_the_chart_of_dagster_starts_a_code_server_in_the_image() -> None:
    """The chart names it as arguments, which an entrypoint of the image would be given."""
    values = yaml.safe_load((DEPLOY / "helm-values.yaml").read_text())
    [code] = values["dagster-user-deployments"]["deployments"]
    address = ["-h", "0.0.0.0", "-p", str(code["port"])]  # noqa: S104  of a pod
    options = parsed_by_dagster(["dagster", "api", "grpc", *address, *code["dagsterApiGrpcArgs"]])
    assert options["port"] == 3030
    assert options["module_name"] == "c2s_assets.definitions"


def test_containers_of_the_chart_may_change_nothing_but_the_lake_and_keep_what_they_say_as_long_as_we() -> (
    None
):
    values = yaml.safe_load((DEPLOY / "helm-values.yaml").read_text())
    [code] = values["dagster-user-deployments"]["deployments"]
    run = values["runLauncher"]["config"]["k8sRunLauncher"]
    parts = (code, values["dagsterDaemon"], values["dagsterWebserver"])
    for part in (*parts, run):
        assert part["securityContext"]["readOnlyRootFilesystem"]
    for part in parts:
        assert {mount["mountPath"] for mount in part["volumeMounts"]} == {"/lake", "/cache", "/tmp"}  # noqa: S108
        assert {volume["name"] for volume in part["volumes"]} == {m["name"] for m in part["volumeMounts"]}
    ours = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    for kind, kept in ours["retention"].items():
        assert values["retention"][kind] == {"purgeAfterDays": kept["purge_after_days"]}
    pools = values["concurrency"]["pools"]
    assert pools == {"granularity": "op", "defaultLimit": ours["concurrency"]["pools"]["default_limit"]}


def test_the_read_only_ui_is_one_that_the_webserver_knows() -> None:
    from dagster_webserver.cli import dagster_webserver

    [unit] = [words[1:] for words in map(_started, UNITS) if words[0] == f"{_BIN}dagster-webserver"]
    container = dict(_ours())["readonly"]["command"]
    for words in (unit, container[1:]):
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


def test_the_front_of_containers_logs_where_the_others_do(tmp_path: Path) -> None:
    shell, flag, said = _compose()["services"]["front"]["command"]
    logs = set(re.findall(r"/var/log/nginx/[\w.]+", (DEPLOY / "front" / "nginx.conf").read_text()))
    logs.add("/var/log/nginx/error.log")  # where nginx writes without being told
    here = said.replace("/var/log/nginx", str(tmp_path)).replace("exec nginx", "echo nginx")
    for _ in range(2):  # a container is started again as it was left
        done = subprocess.run([shell, flag, here], capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == ("nginx -g daemon off;\n", "")
    links = {str(Path("/var/log/nginx") / path.name): str(path.readlink()) for path in tmp_path.iterdir()}
    assert links.keys() == logs
    assert links["/var/log/nginx/c2s.log"] == "/dev/stdout"


def test_the_image_has_all_extras_but_what_only_tests_need() -> None:
    extras = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    [install] = [line for line in dockerfile() if "--require-hashes" in line]
    assert set(re.findall(r"--extra (\w+)", install)) == extras.keys() - {"dev"}


def test_what_the_image_is_made_of_is_enough_to_build_it(tmp_path: Path) -> None:
    """In a plain folder with what COPY puts there, by the command of the image itself."""
    lines = [line for line in dockerfile() if line.startswith("COPY ") and "--from" not in line]
    for name in [name for line in lines for name in line.split()[1:-1]]:
        copy = shutil.copytree if (TOP / name).is_dir() else shutil.copy
        copy(TOP / name, tmp_path / name)
    [build] = [line for line in dockerfile() if "hatchling build" in line]
    program, *words = shlex.split(build.removeprefix("RUN ").partition(" && ")[0])
    assert program == "python"
    subprocess.run([sys.executable, *words], cwd=tmp_path, check=True)
    [wheel] = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        assert files.read("c2s_assets/dagster.yaml") == (TOP / "dagster.yaml").read_bytes()


def _started(unit: Path) -> list[str]:
    [line] = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    return shlex.split(line)
