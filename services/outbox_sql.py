"""The statements of the outbox: each is sent as it stands, and for many messages at once.

A row that is *waiting* with a lease is in a worker's hands, but nothing of it has been sent yet:
when the lease ends, anybody takes it again. *sending* begins right before the carrier hears of it.
"""

from typing import Final

# A message that waits for its next attempt (it has an error code) holds back those behind it; one
# that is planned for later does not. Losing a claim with the server is harmless: the row is free
# again, and who held it finds its lease gone. So the disk is not waited for. What is longest due
# goes first: in that order one index gives what is due, and nobody walks over what is not.
#
# Two things are for the planner alone, whose statistics are of another moment than a fan-out.
# BETWEEN: with = other indexes seem as good, and it walks over all that was ever sent. OFFSET 0: as
# a join it reads all that is open once more for each message, instead of looking up one address.
CLAIM: Final = """
WITH due AS (
    SELECT o.id FROM outbox AS o
    WHERE o.state = 'waiting' AND o.lane BETWEEN $1 AND $1 AND o.not_before <= now()
      AND (o.leased_until IS NULL OR o.leased_until <= now())
      AND o.channel <> ALL($4::text[]) AND NOT EXISTS (
        SELECT FROM outbox AS e
        WHERE e.address_id = o.address_id AND e.id <> o.id AND e.state IN ('waiting', 'sending')
          AND (
            e.state = 'sending' OR e.leased_until > now()
            OR (e.lane, e.id) < (o.lane, o.id)
               AND (e.error_code IS NOT NULL OR e.not_before <= now())
          )
        OFFSET 0
      )
    ORDER BY o.lane, o.not_before, o.id LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE outbox SET leased_until = now() + make_interval(secs => $3)
FROM due, address
WHERE outbox.id = due.id AND address.id = outbox.address_id
  AND (SELECT set_config('synchronous_commit', 'off', true)) = 'off'
RETURNING outbox.*, address.value, address.blocked_at, address.last_in_at
"""

# Equal leases are the proof that the row still waits in the same hands: whatever else happens to it
# changes the lease. (Asking for the state as well would let PostgreSQL look for the id in the index
# of all that waits.) A claim of bulk and one of what came right after it may not have seen each
# other: of two of one address the first one goes. A unique index sees to it where two processes do
# this at once.
START: Final = """
UPDATE outbox SET state = 'sending', attempts = attempts + 1, updated_at = now(),
    leased_until = now() + make_interval(secs => $3)
FROM (
    SELECT DISTINCT ON (o.address_id) o.id, mine.leased_until
    FROM unnest($1::bigint[], $2::timestamptz[]) AS mine (id, leased_until)
    JOIN outbox AS o ON o.id = mine.id AND o.leased_until = mine.leased_until
    WHERE NOT EXISTS (
        SELECT FROM outbox AS e WHERE e.address_id = o.address_id AND e.state = 'sending'
    )
    ORDER BY o.address_id, o.lane, o.id
) AS first
WHERE outbox.id = first.id AND outbox.leased_until = first.leased_until
RETURNING outbox.id
"""
DROP: Final = """
UPDATE outbox SET state = given.state, error_code = given.code, leased_until = NULL,
    not_before = coalesce(given.until, not_before), updated_at = now()
FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::timestamptz[])
     AS given (id, leased_until, state, code, until)
WHERE outbox.id = given.id AND outbox.leased_until = given.leased_until
"""

# A report of the carrier may have come before its answer to us: then it stays. An id of the
# carrier's that another row got meanwhile stays with that one: their words and their reader are the
# same, and it is counted once.
SENT: Final = """
UPDATE outbox SET
    state = CASE WHEN state = ANY($4) THEN 'sent' ELSE state END,
    error_code = CASE WHEN state = ANY($4) THEN NULL ELSE error_code END,
    provider_id = CASE
        WHEN channel = 'sms' AND EXISTS (
            SELECT FROM outbox AS o
            WHERE o.channel = 'sms' AND o.provider_id = done.provider_id AND o.id <> outbox.id
        ) THEN outbox.provider_id
        ELSE done.provider_id
    END,
    parts = coalesce(done.parts, outbox.parts),
    sent_at = coalesce(sent_at, now()), leased_until = NULL, updated_at = now()
FROM unnest($1::bigint[], $2::text[], $3::int[]) AS done (id, provider_id, parts)
WHERE outbox.id = done.id
"""
REACHABLE: Final = """
UPDATE address SET blocked_at = NULL
WHERE id IN (SELECT address_id FROM outbox WHERE id = ANY($1)) AND blocked_at IS NOT NULL
"""
LATER: Final = """
UPDATE outbox SET leased_until = NULL, updated_at = now(), error_code = $3, state = 'waiting',
    not_before = now() + make_interval(secs => $2),
    attempts = attempts - CASE WHEN $4 AND state <> 'waiting' THEN 1 ELSE 0 END
WHERE id = $1 AND state IN ('waiting', 'sending', 'uncertain')
"""
END: Final = """
UPDATE outbox SET state = $2, leased_until = NULL, updated_at = now(), error_code = $3
WHERE id = $1 AND state IN ('waiting', 'sending', 'uncertain')
"""
# The address is locked before its row, as by whoever deletes all that somebody left.
UNREACHABLE: Final = """
WITH held AS (
    SELECT id FROM address WHERE id = (SELECT address_id FROM outbox WHERE id = $1)
    FOR NO KEY UPDATE
), ended AS (
    UPDATE outbox SET state = 'unreachable', leased_until = NULL, updated_at = now(),
        error_code = $2
    WHERE id = $1 AND address_id = (SELECT id FROM held) AND state IN ('sending', 'uncertain')
    RETURNING address_id
)
UPDATE address SET blocked_at = coalesce(blocked_at, now())
WHERE id = (SELECT address_id FROM ended)
"""
UNCERTAIN: Final = """
UPDATE outbox SET state = 'uncertain', updated_at = now(), error_code = $2,
    leased_until = now() + make_interval(secs => $3)
WHERE id = $1 AND state = 'sending'
"""
ABANDONED: Final = """
UPDATE outbox SET state = 'uncertain', updated_at = now(), error_code = 'interrupted'
WHERE state = 'sending' AND leased_until < now()
"""

TO_RECONCILE: Final = """
WITH asked AS (
    SELECT id FROM outbox
    WHERE state = 'uncertain' AND leased_until <= now() AND channel = $1
      AND updated_at > now() - interval '1 hour'
    ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE outbox SET leased_until = now() + make_interval(secs => $3)
FROM asked, address WHERE outbox.id = asked.id AND address.id = outbox.address_id
RETURNING outbox.*, address.value, address.blocked_at, address.last_in_at
"""
# The first of the carrier's messages that is nobody else's. While another one is being sent to the
# same address, its answer may not be known yet, and the message found may be that one.
SETTLE: Final = """
UPDATE outbox SET state = 'sent', error_code = NULL, provider_id = free.provider_id,
    parts = coalesce(free.parts, outbox.parts), sent_at = coalesce(sent_at, now()),
    leased_until = NULL, updated_at = now()
FROM (
    SELECT found.provider_id, found.parts
    FROM unnest($2::text[], $3::int[]) WITH ORDINALITY AS found (provider_id, parts, n)
    WHERE NOT EXISTS (
        SELECT FROM outbox AS o WHERE o.channel = 'sms' AND o.provider_id = found.provider_id
    )
    ORDER BY n LIMIT 1
) AS free
WHERE outbox.id = $1 AND outbox.state = 'uncertain' AND NOT EXISTS (
    SELECT FROM outbox AS e WHERE e.address_id = outbox.address_id AND e.state = 'sending'
)
RETURNING outbox.id
"""

# Only what goes through such carriers has ids that are nobody else's. Who holds one keeps it.
_REPORTED: Final = """
    SELECT id FROM outbox
    WHERE channel = 'sms' AND (provider_id = $2 OR id = $1 AND provider_id IS NULL)
    ORDER BY provider_id IS NULL LIMIT 1
"""
STATUS: Final = (
    """
UPDATE outbox SET state = $3, provider_id = $2, error_code = $4, leased_until = NULL,
    sent_at = coalesce(sent_at, now()), updated_at = now()
WHERE state = ANY($5) AND id = ("""
    + _REPORTED
    + ")"
)
IS_KNOWN: Final = "SELECT EXISTS (" + _REPORTED + ")"

DEPTH: Final = """
SELECT channel, state, count(*) AS messages FROM outbox
WHERE state IN ('waiting', 'sending') OR state = 'uncertain'
GROUP BY channel, state
"""
