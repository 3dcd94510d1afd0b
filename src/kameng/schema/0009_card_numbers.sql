-- A card's number stands once within its brand, whatever secret comes with it. The keyed hash of brand and number
-- stands beside the card's fingerprint: no row more, nothing for a sale to write.
-- NULL: not known yet, as of every card that older code loaded (stock/numbering.py reads them). Empty: the card has
-- no number, or shares it with one that was loaded when only number and secret together were compared.
ALTER TABLE card_fingerprint ADD COLUMN number_print bytea;
CREATE UNIQUE INDEX card_fingerprint_number ON card_fingerprint (number_print) WHERE number_print <> '';
-- Empty once the old cards are read: what new code loads never enters it.
CREATE INDEX card_fingerprint_unread ON card_fingerprint (card_id) WHERE number_print IS NULL;
