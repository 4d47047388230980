"""The statements of the outbox: each is sent as it stands, and for many messages at once.

A row that is *waiting* with a lease is in a worker's hands, but nothing of it has been sent yet:
when the lease ends, anybody takes it again. *sending* begins right before the carrier hears of it.
"""

from typing import Final

# A message that waits for its next attempt (it has an error code) holds back those behind it; one
# that is planned for later does not. Losing a claim with the server is harmless: the row is free
# again, and who held it finds its lease gone. So the disk is not waited for. BETWEEN, where = reads
# better: with = the primary key gives the order too, and after a fan-out PostgreSQL takes it and
# walks over everything that was ever sent.
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
      )
    ORDER BY o.lane, o.id LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE outbox SET leased_until = now() + make_interval(secs => $3)
FROM due, address
WHERE outbox.id = due.id AND address.id = outbox.address_id
  AND (SELECT set_config('synchronous_commit', 'off', true)) = 'off'
RETURNING outbox.*, address.value, address.blocked_at, address.last_in_at
"""

# Equal leases are the proof that the row is still in the same hands.
START: Final = """
UPDATE outbox SET state = 'sending', attempts = attempts + 1, updated_at = now(),
    leased_until = now() + make_interval(secs => $3)
FROM unnest($1::bigint[], $2::timestamptz[]) AS mine (id, leased_until)
WHERE outbox.id = mine.id AND outbox.leased_until = mine.leased_until
  AND outbox.state = 'waiting'
RETURNING outbox.id
"""
DROP: Final = """
UPDATE outbox SET state = given.state, error_code = given.code, leased_until = NULL,
    not_before = coalesce(given.until, not_before), updated_at = now()
FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::timestamptz[])
     AS given (id, leased_until, state, code, until)
WHERE outbox.id = given.id AND outbox.leased_until = given.leased_until
  AND outbox.state = 'waiting'
"""

# A report of the carrier may have come before its answer to us: then it stays.
SENT: Final = """
UPDATE outbox SET
    state = CASE WHEN state = ANY($4) THEN 'sent' ELSE state END,
    error_code = CASE WHEN state = ANY($4) THEN NULL ELSE error_code END,
    provider_id = done.provider_id, parts = coalesce(done.parts, outbox.parts),
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
UNREACHABLE: Final = """
WITH ended AS (
    UPDATE outbox SET state = 'unreachable', leased_until = NULL, updated_at = now(),
        error_code = $2
    WHERE id = $1 AND state IN ('sending', 'uncertain') RETURNING address_id
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
KNOWN: Final = "SELECT provider_id FROM outbox WHERE provider_id = ANY($1) AND id <> $2"

STATUS: Final = """
UPDATE outbox SET state = $3, provider_id = $2, error_code = $4, leased_until = NULL,
    sent_at = coalesce(sent_at, now()), updated_at = now()
WHERE (provider_id = $2 OR id = $1 AND provider_id IS NULL) AND state = ANY($5)
"""
IS_KNOWN: Final = """
SELECT EXISTS (SELECT 1 FROM outbox WHERE provider_id = $2 OR id = $1 AND provider_id IS NULL)
"""

DEPTH: Final = """
SELECT channel, state, count(*) AS messages FROM outbox
WHERE state IN ('waiting', 'sending') OR state = 'uncertain'
GROUP BY channel, state
"""
