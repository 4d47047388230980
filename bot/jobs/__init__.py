"""Work that nobody waits for: what the clock brings, and what a transaction promised.

procrastinate keeps it in PostgreSQL, so that nothing of it is lost with Redis or with a worker that
is killed. `services.jobs.defer` promises a job; `worker` runs them; `queue` says which there are;
`work` is what each of them does.
"""
