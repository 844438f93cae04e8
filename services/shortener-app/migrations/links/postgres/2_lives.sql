-- `id` tells a link from others that have had its code; `aliased` says whether the code was wished for, which of older links
-- only the length tells: a made code has seven characters.
ALTER TABLE links ADD COLUMN id TEXT NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', '');
ALTER TABLE links ADD COLUMN aliased BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE links SET aliased = (length(code) <> 7);
ALTER TABLE links ALTER COLUMN id DROP DEFAULT, ALTER COLUMN aliased DROP DEFAULT;
