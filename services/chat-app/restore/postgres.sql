-- For a database that was restored from a backup, before the processes start: each log gets another epoch, because records
-- after the backup have the numbers of records that are gone. Clients with a position of the old epoch read the history.
UPDATE logs SET epoch = 1 + floor(random() * 9e18)::bigint;
