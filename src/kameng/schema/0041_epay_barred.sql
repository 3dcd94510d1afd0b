-- The house's own switch over an account of its epay site: a member can't switch on what the staff has switched off.

ALTER TABLE epay_account ADD COLUMN barred text NOT NULL DEFAULT '';  -- why the house switched it off; empty: it did not
