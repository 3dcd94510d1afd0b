-- Old orders and their events lie apart, where nothing that is ordered today touches them. Children by inheritance:
-- whoever reads or changes `orders` reads and changes what is archived too, and COPY into `orders` never looks here.
-- Columns and checks that are added later come by themselves; indexes do not.
CREATE TABLE archived_orders (PRIMARY KEY (lane, order_id)) INHERITS (orders) WITH (fillfactor = 100);
CREATE INDEX archived_orders_of_organisation ON archived_orders (lane, org_id, order_id);

CREATE TABLE archived_event (PRIMARY KEY (lane, subject_id, sequence)) INHERITS (event) WITH (fillfactor = 100);
