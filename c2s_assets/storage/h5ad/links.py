"""Walks the links of an HDF5 file before anything is read, and refuses those that lead out of it."""

from dataclasses import dataclass
from typing import Any

import h5py

from c2s_assets.core.errors import NotAnH5adError, UnsafeFileError
from c2s_assets.storage.h5ad.access import reading
from c2s_assets.storage.h5ad.limits import DEFAULT_LIMITS, Limits

MAX_DEPTH = 64


@dataclass(frozen=True)
class Link:
    """One name in the file; `same_as` is the path under which the same element was met before."""

    path: str
    same_as: str | None


@dataclass(frozen=True)
class _Step:
    """An element that was listed but not opened: HDF5 takes 80 kB for each dataset of chunks that is open."""

    path: str
    ancestors: tuple[int, ...]


def survey_links(file: h5py.File, *, limits: Limits = DEFAULT_LIMITS) -> list[Link]:
    """List every name in the file, parents first, siblings by name.

    Raises
    ------
    UnsafeFileError
        If a link or a dataset's storage points at another file, a soft link at nothing, a group contains
        itself, or there are more names than the limit or more than `MAX_DEPTH` levels.
    """
    links: list[Link] = []
    soft: list[str] = []
    seen: dict[int, str] = {}
    steps = [_Step("", ())]
    while steps:
        step = steps.pop()
        element, address = _open(file, step)
        if step.path:
            links.append(Link(step.path, same_as=seen.get(address)))
        if address in seen:
            continue
        seen[address] = step.path or "/"
        if isinstance(element, h5py.Dataset):
            refuse_foreign_storage(element, place=step.path)
        elif isinstance(element, h5py.Group):
            n_known = len(links) + len(steps) + len(soft)
            listed = _Step(step.path, (*step.ancestors, address))
            children, soft_children = _children(element, listed, n_known=n_known, limits=limits)
            steps.extend(reversed(children))
            soft.extend(soft_children)
    # Only now: resolving a soft link earlier could have followed an external link that we had not yet met.
    links.extend(Link(path, same_as=_soft_target(file, path, seen)) for path in soft)
    return sorted(links, key=lambda link: link.path.split("/"))


def refuse_foreign_storage(dataset: h5py.Dataset, *, place: str) -> None:
    """Refuse a dataset whose values are in another file: external storage, virtual datasets."""
    with reading(place):
        # From the creation properties, because the shape of a virtual dataset may open its sources.
        properties = dataset.id.get_create_plist()
        is_virtual = properties.get_layout() == h5py.h5d.VIRTUAL
        external = (
            []
            if is_virtual
            else [properties.get_external(i)[0] for i in range(properties.get_external_count())]
        )
    if is_virtual:
        raise UnsafeFileError(
            f"{place} is a virtual dataset, made of other datasets. Write the file again with anndata."
        )
    if external:
        raise UnsafeFileError(
            f"{place} keeps its values in another file, {external[0]!r}. Write the file again with anndata."
        )


def _open(file: h5py.File, step: _Step) -> tuple[Any, int]:
    with reading(step.path or "/"):
        element = file[step.path] if step.path else file
    address = _address(element, step.path)
    if address in step.ancestors:
        raise UnsafeFileError(
            f"{step.path} is a hard link to a group that contains it. Write the file again with anndata."
        )
    return element, address


def _children(
    group: h5py.Group, step: _Step, *, n_known: int, limits: Limits
) -> tuple[list[_Step], list[str]]:
    """List what is in a group: elements, and the paths of soft links; `step` has the group as an ancestor."""
    place = step.path or "/"
    with reading(place):
        n_children = len(group)
    where = f"{place} has {n_children:,} elements, with which the file has"
    limits.refuse_more("elements", n_known + n_children, where=where, unit="elements or more")
    if n_children and len(step.ancestors) > MAX_DEPTH:
        raise UnsafeFileError(f"{place}: groups are nested deeper than {MAX_DEPTH} levels. Flatten uns.")
    children = []
    soft = []
    for name in _names(group, place=place):
        path = f"{step.path}/{name}"
        if _is_soft(group, name, path):
            soft.append(path)
        else:
            children.append(_Step(path, step.ancestors))
    return children, soft


def _names(group: h5py.Group, *, place: str) -> list[str]:
    with reading(place):
        names = list(group)
    for name in names:
        # h5py gives bytes where it cannot decode.
        if isinstance(name, bytes):
            raise NotAnH5adError(
                f"{place}: the name {name!r} is not UTF-8. Rename it, or remove the element."
            )
    return sorted(names)


def _is_soft(group: h5py.Group, name: str, path: str) -> bool:
    with reading(path):
        link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        raise UnsafeFileError(
            f"{path} is an external link to {link.path!r} in {link.filename!r}. Copy the data into the file."
        )
    return isinstance(link, h5py.SoftLink)


def _soft_target(file: h5py.File, path: str, seen: dict[int, str]) -> str:
    with reading(path):
        group = file[path.rpartition("/")[0] or "/"]
        wanted = group.get(path.rpartition("/")[2], getlink=True).path
        element = group.get(path.rpartition("/")[2])
    target = None if element is None else seen.get(_address(element, path))
    if target is None:
        raise UnsafeFileError(
            f"{path} is a soft link to {wanted!r}, which is not in the file. Remove the link."
        )
    if target == "/" or path.startswith(f"{target}/"):
        raise UnsafeFileError(
            f"{path} is a soft link to {wanted!r}, a group that contains it. Remove the link."
        )
    return target


def _address(element: Any, place: str) -> int:
    with reading(place or "/"):
        return int(h5py.h5o.get_info(element.id).addr)
