"""What happens before a new version starts: the database becomes what its code expects.

Once per version, not once per process: web and workers start by the dozen and may not race for it.
"""

import asyncio
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.config import Settings, StartError
from bot.database import opened_database, reach_database
from db import migrate
from db.roles import RolesError
from services import demo, demo_staff, names, reference_data, starters
from services.errors import InvalidReferenceData


def release(settings: Settings) -> list[str]:
    """Migrate, load the reference data and, where it is only tried out, the demo people.

    Returns lines that say what was done. Raises StartError.
    """
    asyncio.run(reach_database(settings))
    try:
        migrate.upgrade(settings.database_url)
        return ["database is up to date", *asyncio.run(_load(settings))]
    except RolesError as error:
        raise StartError(str(error)) from error
    except InvalidReferenceData as error:
        raise StartError(f"the reference data is damaged ({error}): get the files anew") from error


async def _load(settings: Settings) -> list[str]:
    async with opened_database(settings) as new_session, new_session.begin() as session:
        done = [f"loaded {name}" for name in await reference_data.load(session)]
        now = datetime.now(UTC)
        done += [f"began with {name}" for name in await starters.load(session, now=now)]
        done += await _load_made_up(session, settings, now)
        if count := await names.fill(session):
            done.append(f"made {count} people findable by name")
        return done


async def _load_made_up(session: AsyncSession, settings: Settings, now: datetime) -> list[str]:
    """They have no place in a database of somebody's own, nor beside real people."""
    done = []
    is_tried_out = settings.simulator and settings.embedded_postgres
    if is_tried_out and await demo.load(session, now=now):
        done.append("added people who do not exist, marked as demo")
    if is_tried_out and settings.is_training:
        if await demo_staff.load(session, now=now):
            done.append("added staff for training, who sign in at /desk")
    elif await demo_staff.end(session, now=now):
        done.append("ended the staff for training: messages may reach people now")
    return done
