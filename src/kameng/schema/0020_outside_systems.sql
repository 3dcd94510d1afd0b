-- What other systems (ERP, CRM) call a SKU or an organisation; '' if they say nothing. Theirs, so not unique.
ALTER TABLE sku ADD COLUMN external_ref text NOT NULL DEFAULT '' CHECK (length(external_ref) <= 64);
ALTER TABLE organisation ADD COLUMN external_ref text NOT NULL DEFAULT '' CHECK (length(external_ref) <= 64);

-- What a supplier brought: his own batches, page by page.
CREATE INDEX card_batch_supplier ON card_batch (supplier_org_id, batch_id) WHERE supplier_org_id <> 0;
