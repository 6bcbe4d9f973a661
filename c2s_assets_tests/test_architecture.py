"""The layers' arrows, and the rules that each layer keeps."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import c2s_assets

PACKAGE = Path(c2s_assets.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# Each layer may import itself and what stands further right; the command line and the example stand outside.
LAYERS = ("cli", "definitions", "defs", "clients", "storage", "schemas", "core")
LAYER_OF_MODULE = {"__main__": "cli", "simulate": "cli", "verify": "cli", "local_hub": "cli"}


def _layer(module: str) -> str | None:
    """Layer of `c2s_assets.<layer>...`, or None for the package itself."""
    parts = module.split(".")
    if parts[0] != "c2s_assets" or len(parts) == 1:
        return None
    return LAYER_OF_MODULE.get(parts[1], parts[1])


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
    return found


def _module_name(path: Path) -> str:
    return ".".join(("c2s_assets", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(
        ".__init__"
    )


@pytest.mark.parametrize("path", MODULES, ids=_module_name)
def test_a_module_imports_only_from_its_own_layer_and_further_right(path: Path) -> None:
    own = _layer(_module_name(path))
    if own is None:
        return  # see test_the_package_itself_loads_nothing
    for imported in _imports(path):
        layer = _layer(imported)
        assert layer is None or LAYERS.index(own) <= LAYERS.index(layer), f"{path.name} imports {imported}"


@pytest.mark.parametrize("path", MODULES, ids=_module_name)
def test_only_defs_and_what_stands_left_of_it_import_dagster(path: Path) -> None:
    if any(name.split(".")[0] == "dagster" for name in _imports(path)):
        assert _layer(_module_name(path)) in ("cli", "definitions", "defs")


_CONVERTING = "c2s_assets.storage.sources.formats."


def test_only_what_has_surveyed_a_file_opens_it() -> None:
    """Some files end the process that opens them; see storage/h5ad/survey.py."""
    call = re.compile(r"(?<![.\w])(?<!def )open_h5ad\(")  # not the method of a dataset, which surveys
    opening = {path.relative_to(PACKAGE).as_posix() for path in MODULES if call.search(path.read_text())}
    assert opening == {
        "storage/h5ad/rehearsal.py",  # a process made to be crashed
        "storage/sources/raw.py",  # after a survey
        "storage/sources/opening.py",  # after a survey
    }
    using_hdf5 = {_module_name(path) for path in MODULES if "h5py" in _imports(path)}
    # What converts other formats does so in a process of its own as well.
    converting = {name for name in using_hdf5 if name.startswith(_CONVERTING)}
    writing = {"c2s_assets.storage.spatial.cellnet"}  # a new file, and opens none
    others = using_hdf5 - converting - writing
    assert all(name.startswith("c2s_assets.storage.h5ad.") for name in others)
    work = f"{_CONVERTING}work"
    asking = {_module_name(path) for path in MODULES if converting & _imports(path)} - converting
    assert asking == {work}
    assert not any(work in _imports(path) for path in MODULES)


def test_one_place_hands_parquet_files_to_polars() -> None:
    """Elsewhere it is forgotten that to Polars `[`, `?` and `*` of a path are patterns, and `a=b` is data."""
    asking = {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute | ast.alias)
        and re.fullmatch(
            "(read|scan)_parquet(_schema|_metadata)?", getattr(node, "attr", "") or getattr(node, "name", "")
        )
    }
    assert asking == {"storage/tables/scanning.py"}


ALLOWED_IN_CORE = {
    "c2s_assets",
    "numba",
    "numpy",
    "openTSNE",
    "polars",
    "pyarrow",
    "pydantic",
    "pydantic_core",
    "pynndescent",
    "scipy",
    "sklearn",
    "threadpoolctl",
    "umap",
    "yaml",
}


@pytest.mark.parametrize("path", sorted((PACKAGE / "core").rglob("*.py")), ids=_module_name)
def test_core_touches_memory_only(path: Path) -> None:
    """Parsing text into values is memory; files, network and processes are not."""
    roots = {name.split(".")[0] for name in _imports(path)}
    outside = roots - ALLOWED_IN_CORE - set(sys.stdlib_module_names)
    assert not outside
    assert not roots & {"os", "shutil", "socket", "subprocess", "tempfile", "urllib", "http", "logging"}


@pytest.mark.parametrize("path", MODULES, ids=_module_name)
def test_every_public_function_and_class_is_documented(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), f"{path} has no docstring"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path.name}: {node.name} has no docstring"


def test_no_two_classes_have_one_name() -> None:
    places: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(_module_name(path))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_sql_stands_in_core() -> None:
    for path in (PACKAGE / "core").rglob("*.py"):
        texts = [n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)]
        assert not [text for text in texts if re.match(r"\s*select\s.*\sfrom\s", str(text), re.S | re.I)], (
            path
        )


def test_every_error_is_in_the_tree_that_opens_the_file() -> None:
    source = (PACKAGE / "core" / "errors.py").read_text()
    tree = ast.parse(source)
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    docstring = ast.get_docstring(tree) or ""
    assert names
    assert all(name in docstring for name in names)


def test_the_package_itself_loads_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules); import c2s_assets\n"
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before} - {'c2s_assets'}))\n"
        "print([name for name in sys.modules if name.startswith('c2s_assets.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported, own = done.stdout.splitlines()
    assert own == "[]"
    assert set(ast.literal_eval(imported)) <= set(sys.stdlib_module_names)


def test_core_starts_without_dagster_and_without_h5py() -> None:
    code = (
        "import sys, pkgutil, importlib, c2s_assets.core as core\n"
        "for module in pkgutil.walk_packages(core.__path__, 'c2s_assets.core.'):\n"
        "    importlib.import_module(module.name)\n"
        "print(sorted({'dagster', 'h5py', 'httpx', 'pandera'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_assets_start_without_what_only_some_of_their_steps_need() -> None:
    """Each process of `c2s ui` and each run loads them: numba and scipy.stats alone were a third of that."""
    code = (
        "import sys, c2s_assets.definitions\n"
        "heavy = {'anndata', 'matplotlib', 'numba', 'scipy.stats', 'sklearn', 'zarr'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
