-- What all loaded cards of a batch cost together; NULL: not known of every one. From here on, cost_e4 is what each of
-- them cost if all cost the same, and expires_on the earliest of their last days. Before, both were of the first card.
ALTER TABLE card_batch ADD COLUMN paid_e4 bigint CHECK (paid_e4 >= 0);
