-- What other systems (ERP, CRM) call a SKU or an organisation; '' if they say nothing. Theirs, so not unique.
ALTER TABLE sku ADD COLUMN external_ref text NOT NULL DEFAULT '' CHECK (length(external_ref) <= 64);
ALTER TABLE organisation ADD COLUMN external_ref text NOT NULL DEFAULT '' CHECK (length(external_ref) <= 64);
