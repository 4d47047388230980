"""Places and centres, loaded from the data files at every release.

Every start of the program comes through here, so an unchanged file costs one comparison of digests.
"""

import csv
import hashlib
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

import db
from db.models import Centre, CentreArea, LoadedFile, Place
from services.errors import InvalidReferenceData
from services.places import COMMUNE, DISTRICT, PROVINCE, load_gazetteer

FOLDER = Path(db.__file__).parent / "reference"
_PLACES = "gazetteer"
_CENTRES = "centres.csv"
_LEVELS = {PROVINCE: "province", DISTRICT: "district", COMMUNE: "commune"}


async def load(session: AsyncSession) -> list[str]:
    """Bring the tables up to the files; returns what had changed: "gazetteer", "centres.csv".

    Nothing is ever deleted that somebody may live in: a place that left the files stays. What a
    centre is called and who takes the rest is said at the desk: the file speaks for centres that
    are new. Raises InvalidReferenceData.
    """
    known = {row.name: row.digest for row in await session.scalars(select(LoadedFile))}
    loaders = {_PLACES: _load_places, _CENTRES: _load_centres}
    changed = []
    for name, load_into in loaders.items():
        digest = _digest(FOLDER / name)
        if known.get(name) != digest:
            await load_into(session)
            await session.merge(LoadedFile(name=name, digest=digest))
            changed.append(name)
    return changed


def _digest(path: Path) -> str:
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


async def _load_places(session: AsyncSession) -> None:
    rows = [asdict(place) | {"level": _LEVELS[place.level]} for place in load_gazetteer()]
    new = insert(Place)
    columns = {name: new.excluded[name] for name in rows[0] if name != "code"}
    await session.execute(
        new.on_conflict_do_update(index_elements=[Place.code], set_=columns),
        rows,
        execution_options={"render_nulls": True},
    )


async def _load_centres(session: AsyncSession) -> None:
    with (FOLDER / _CENTRES).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if sum(row["takes_rest"] == "yes" for row in rows) != 1:
        raise InvalidReferenceData("exactly one centre must take the rest")
    known = {centre.id: centre for centre in await session.scalars(select(Centre))}
    is_taken = any(centre.takes_rest for centre in known.values())
    session.add_all(
        Centre(
            id=row["id"],
            name_km=row["name_km"],
            name_en=row["name_en"],
            short_km=row["short_km"] or None,
            short_en=row["short_en"] or None,
            takes_rest=row["takes_rest"] == "yes" and not is_taken,
            to_confirm=row["to_confirm"] or None,
        )
        for row in rows
        if row["id"] not in known
    )
    await session.flush()
    await session.execute(delete(CentreArea))
    areas = [
        {"place_code": code, "centre_id": row["id"]}
        for row in rows
        for code in row["areas"].split()
    ]
    await session.execute(insert(CentreArea), areas)
