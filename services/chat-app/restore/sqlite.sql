-- As `postgres.sql`, for SQLite.
UPDATE logs SET epoch = 1 + abs(random() / 2);
