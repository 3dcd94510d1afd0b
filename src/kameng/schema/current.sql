-- Written by scripts/dump-schema from the migrations beside it. Never run; never edited.

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION public.refuse_change_of_final() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF OLD.state = ANY (string_to_array(TG_ARGV[0], ' '))
       OR to_jsonb(NEW) - 'payee' = to_jsonb(OLD) - 'payee' THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'a decided row of % is never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TABLE public.account (
    lane smallint NOT NULL,
    account_id bigint NOT NULL,
    org_id bigint NOT NULL,
    code text NOT NULL,
    currency text NOT NULL,
    posted_e4 bigint DEFAULT 0 NOT NULL,
    held_e4 bigint DEFAULT 0 NOT NULL,
    credit_line_e4 bigint DEFAULT 0 NOT NULL,
    unbounded boolean DEFAULT false NOT NULL,
    closed boolean DEFAULT false NOT NULL,
    peer_lane smallint,
    channel_id integer,
    CONSTRAINT account_credit_line_e4_check CHECK ((credit_line_e4 >= 0)),
    CONSTRAINT account_held_e4_check CHECK ((held_e4 >= 0)),
    CONSTRAINT account_not_overdrawn CHECK ((unbounded OR (((posted_e4 - held_e4) + credit_line_e4) >= 0)))
)
WITH (fillfactor='50');

CREATE TABLE public.adjustment (
    lane smallint NOT NULL,
    adjustment_id bigint NOT NULL,
    org_id bigint NOT NULL,
    amount_e4 bigint NOT NULL,
    reason text NOT NULL,
    note text NOT NULL,
    evidence text NOT NULL,
    request_key text NOT NULL,
    needs_second boolean NOT NULL,
    state text NOT NULL,
    requested_by bigint NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    decided_by bigint,
    decided_at timestamp with time zone,
    decision_note text DEFAULT ''::text NOT NULL,
    transfer_id bigint,
    CONSTRAINT adjustment_amount_e4_check CHECK ((amount_e4 <> 0)),
    CONSTRAINT adjustment_check CHECK (((state = 'executed'::text) = (transfer_id IS NOT NULL))),
    CONSTRAINT adjustment_check1 CHECK (((state = 'pending'::text) = (decided_at IS NULL))),
    CONSTRAINT adjustment_reason_check CHECK ((reason = ANY (ARRAY['recharge_missing'::text, 'recharge_reversed'::text, 'compensation'::text, 'goodwill'::text, 'penalty'::text, 'chargeback'::text, 'correction'::text]))),
    CONSTRAINT adjustment_requested_by_check CHECK ((requested_by <> 0)),
    CONSTRAINT adjustment_second_person CHECK (((decided_by <> requested_by) AND ((NOT needs_second) OR (state <> 'executed'::text) OR (decided_by IS NOT NULL)))),
    CONSTRAINT adjustment_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'executed'::text, 'refused'::text])))
);

CREATE TABLE public.agent_bound (
    owner_id bigint NOT NULL,
    sku_id bigint NOT NULL,
    floor_e4 bigint,
    ceiling_e4 bigint,
    changed bigint NOT NULL,
    CONSTRAINT agent_bound_ceiling_e4_check CHECK ((ceiling_e4 > 0)),
    CONSTRAINT agent_bound_check CHECK (((COALESCE(floor_e4, ceiling_e4) IS NOT NULL) AND (floor_e4 <= ceiling_e4))),
    CONSTRAINT agent_bound_floor_e4_check CHECK ((floor_e4 > 0))
);

CREATE TABLE public.allotment (
    lane smallint NOT NULL,
    sku_id bigint NOT NULL,
    on_hand integer DEFAULT 0 NOT NULL,
    CONSTRAINT allotment_on_hand_check CHECK ((on_hand >= 0))
)
WITH (fillfactor='50');

CREATE TABLE public.announcement (
    announcement_id bigint NOT NULL,
    face text NOT NULL,
    tone text NOT NULL,
    zh text NOT NULL,
    en text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    created_by bigint NOT NULL,
    withdrawn_at timestamp with time zone,
    CONSTRAINT announcement_check CHECK ((ends_at > starts_at)),
    CONSTRAINT announcement_en_check CHECK ((length(en) <= 200)),
    CONSTRAINT announcement_face_check CHECK ((face = ANY (ARRAY['everybody'::text, 'shop'::text, 'merchant'::text, 'supplier'::text, 'platform'::text]))),
    CONSTRAINT announcement_tone_check CHECK ((tone = ANY (ARRAY['news'::text, 'warn'::text, 'bad'::text]))),
    CONSTRAINT announcement_zh_check CHECK (((length(zh) >= 1) AND (length(zh) <= 200)))
);

CREATE TABLE public.api_key (
    lane smallint NOT NULL,
    key_id bigint NOT NULL,
    org_id bigint NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    sealed_secret bytea,
    public_key bytea,
    allowed_ips cidr[] DEFAULT '{}'::cidr[] NOT NULL,
    rate_per_second integer DEFAULT 1000 NOT NULL,
    daily_limit_e4 bigint,
    state text DEFAULT 'active'::text NOT NULL,
    expires_at timestamp with time zone,
    changed bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT api_key_check CHECK (((sealed_secret IS NULL) <> (public_key IS NULL))),
    CONSTRAINT api_key_daily_limit_e4_check CHECK ((daily_limit_e4 >= 0)),
    CONSTRAINT api_key_public_key_check CHECK ((length(public_key) = 32)),
    CONSTRAINT api_key_rate_per_second_check CHECK ((rate_per_second > 0)),
    CONSTRAINT api_key_state_check CHECK ((state = ANY (ARRAY['active'::text, 'revoked'::text])))
);

CREATE TABLE public.event (
    lane smallint NOT NULL,
    subject_id bigint NOT NULL,
    sequence integer NOT NULL,
    event_id bigint NOT NULL,
    org_id bigint NOT NULL,
    kind text NOT NULL,
    actor_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    data jsonb,
    due boolean DEFAULT false NOT NULL
);

CREATE TABLE public.archived_event (
    NOT NULL lane,
    NOT NULL subject_id,
    NOT NULL sequence
)
INHERITS (public.event)
WITH (fillfactor='100');

CREATE TABLE public.orders (
    lane smallint NOT NULL,
    order_id bigint NOT NULL,
    org_id bigint NOT NULL,
    key_id bigint NOT NULL,
    sku_id bigint NOT NULL,
    sku_revision integer NOT NULL,
    quantity integer NOT NULL,
    unit_price_e4 bigint NOT NULL,
    total_e4 bigint NOT NULL,
    cost_e4 bigint NOT NULL,
    state text NOT NULL,
    sequence integer DEFAULT 1 NOT NULL,
    client_ref text NOT NULL,
    account bytea,
    trace text NOT NULL,
    card_ids bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    placed_at timestamp with time zone NOT NULL,
    split jsonb,
    refunded_e4 bigint DEFAULT 0 NOT NULL,
    confirm_until timestamp with time zone,
    CONSTRAINT orders_check CHECK ((total_e4 = (unit_price_e4 * quantity))),
    CONSTRAINT orders_confirm_until_check CHECK (((confirm_until IS NULL) OR (state = ANY (ARRAY['delivered'::text, 'partly_delivered'::text])))),
    CONSTRAINT orders_cost_e4_check CHECK ((cost_e4 >= 0)),
    CONSTRAINT orders_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT orders_refunded_e4_check CHECK (((refunded_e4 >= 0) AND (refunded_e4 <= total_e4))),
    CONSTRAINT orders_state_check CHECK ((state = ANY (ARRAY['awaiting_payment'::text, 'paid'::text, 'held'::text, 'fulfilling'::text, 'review'::text, 'cancelling'::text, 'partly_delivered'::text, 'delivered'::text, 'settled'::text, 'expired'::text, 'cancelled'::text, 'refused'::text, 'failed'::text, 'refunded'::text]))),
    CONSTRAINT orders_unit_price_e4_check CHECK ((unit_price_e4 >= 0))
)
WITH (fillfactor='90');

CREATE TABLE public.archived_orders (
    NOT NULL lane,
    NOT NULL order_id
)
INHERITS (public.orders)
WITH (fillfactor='100');

CREATE TABLE public.audit_line (
    lane smallint NOT NULL,
    audit_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    org_id bigint NOT NULL,
    actor_id bigint NOT NULL,
    act text NOT NULL,
    subject_id bigint NOT NULL,
    data jsonb
);

CREATE TABLE public.balance_alert (
    lane smallint NOT NULL,
    org_id bigint NOT NULL,
    low_at_e4 bigint NOT NULL,
    is_low boolean DEFAULT false NOT NULL,
    CONSTRAINT balance_alert_low_at_e4_check CHECK ((low_at_e4 > 0))
);

CREATE TABLE public.bank_credit (
    lane smallint NOT NULL,
    credit_id bigint NOT NULL,
    channel_id integer NOT NULL,
    line_key text NOT NULL,
    at timestamp with time zone NOT NULL,
    amount_e4 bigint NOT NULL,
    payer text NOT NULL,
    remark text NOT NULL,
    reference text NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    payment_id bigint,
    settled_e4 bigint DEFAULT 0 NOT NULL,
    imported_at timestamp with time zone NOT NULL,
    decided_by bigint,
    reason text DEFAULT ''::text NOT NULL,
    CONSTRAINT bank_credit_amount_e4_check CHECK ((amount_e4 > 0)),
    CONSTRAINT bank_credit_check CHECK (((state <> 'taken'::text) OR (payment_id IS NOT NULL))),
    CONSTRAINT bank_credit_line_key_check CHECK (((length(line_key) >= 1) AND (length(line_key) <= 150))),
    CONSTRAINT bank_credit_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'taken'::text, 'ignored'::text])))
);

CREATE TABLE public.bill (
    channel_id integer NOT NULL,
    day date NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    lines integer DEFAULT 0 NOT NULL,
    payment_e4 bigint DEFAULT 0 NOT NULL,
    refund_e4 bigint DEFAULT 0 NOT NULL,
    fee_e4 bigint DEFAULT 0 NOT NULL,
    digest bytea,
    tries integer DEFAULT 0 NOT NULL,
    said text DEFAULT ''::text NOT NULL,
    next_at timestamp with time zone NOT NULL,
    fetched_at timestamp with time zone,
    settled_at timestamp with time zone,
    closed_at timestamp with time zone,
    CONSTRAINT bill_check CHECK (((state = 'waiting'::text) = (fetched_at IS NULL))),
    CONSTRAINT bill_check1 CHECK (((state = ANY (ARRAY['settled'::text, 'closed'::text])) = (settled_at IS NOT NULL))),
    CONSTRAINT bill_check2 CHECK (((state = 'closed'::text) = (closed_at IS NOT NULL))),
    CONSTRAINT bill_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'fetched'::text, 'settled'::text, 'closed'::text])))
);

CREATE TABLE public.bill_case (
    lane smallint NOT NULL,
    case_id bigint NOT NULL,
    channel_id integer NOT NULL,
    day date NOT NULL,
    line_key text NOT NULL,
    line_kind text NOT NULL,
    kind text NOT NULL,
    subject_id bigint NOT NULL,
    payment_id bigint,
    bill_e4 bigint NOT NULL,
    book_e4 bigint NOT NULL,
    currency text NOT NULL,
    suspense_e4 bigint NOT NULL,
    rest_e4 bigint NOT NULL,
    state text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    owner_id bigint,
    act text,
    detail jsonb,
    reason text DEFAULT ''::text NOT NULL,
    asked_by bigint,
    second_id bigint,
    resolved_at timestamp with time zone,
    transfer_id bigint,
    CONSTRAINT bill_case_act_check CHECK ((act = ANY (ARRAY['accept'::text, 'write_off'::text, 'credit'::text, 'pay_out'::text, 'offset'::text, 'refund'::text, 'cleared'::text]))),
    CONSTRAINT bill_case_check CHECK (((state = 'resolved'::text) = (resolved_at IS NOT NULL))),
    CONSTRAINT bill_case_check1 CHECK (((state <> 'resolved'::text) OR (act IS NOT NULL))),
    CONSTRAINT bill_case_check2 CHECK (((state <> 'asked'::text) OR (asked_by IS NOT NULL))),
    CONSTRAINT bill_case_kind_check CHECK ((kind = ANY (ARRAY['LONG'::text, 'SHORT'::text, 'AMOUNT'::text, 'STATUS'::text, 'FEE'::text, 'DUPLICATE'::text, 'CUT_OFF'::text]))),
    CONSTRAINT bill_case_line_kind_check CHECK ((line_kind = ANY (ARRAY['payment'::text, 'refund'::text]))),
    CONSTRAINT bill_case_second_person CHECK ((second_id <> asked_by)),
    CONSTRAINT bill_case_state_check CHECK ((state = ANY (ARRAY['open'::text, 'taken'::text, 'asked'::text, 'returning'::text, 'resolved'::text]))),
    CONSTRAINT bill_case_write_off CHECK (((act <> 'write_off'::text) OR (state <> 'resolved'::text) OR (second_id IS NOT NULL)))
)
WITH (fillfactor='80');

CREATE TABLE public.bill_line (
    lane smallint NOT NULL,
    channel_id integer NOT NULL,
    day date NOT NULL,
    line_key text NOT NULL,
    kind text NOT NULL,
    payment_no text NOT NULL,
    refund_no text NOT NULL,
    provider_no text NOT NULL,
    subject_id bigint NOT NULL,
    amount_e4 bigint NOT NULL,
    fee_e4 bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    said text DEFAULT ''::text NOT NULL,
    CONSTRAINT bill_line_amount_e4_check CHECK ((amount_e4 >= 0)),
    CONSTRAINT bill_line_kind_check CHECK ((kind = ANY (ARRAY['payment'::text, 'refund'::text]))),
    CONSTRAINT bill_line_line_key_check CHECK (((length(line_key) >= 1) AND (length(line_key) <= 150)))
);

CREATE TABLE public.payment (
    lane smallint NOT NULL,
    payment_id bigint NOT NULL,
    payment_no text GENERATED ALWAYS AS (('K'::text || payment_id)) STORED,
    payable_id bigint NOT NULL,
    org_id bigint NOT NULL,
    channel_id integer NOT NULL,
    attempt smallint NOT NULL,
    method text NOT NULL,
    scene text NOT NULL,
    amount_e4 bigint NOT NULL,
    currency text NOT NULL,
    fee_e4 bigint DEFAULT 0 NOT NULL,
    state text DEFAULT 'created'::text NOT NULL,
    taken_as text,
    paid_e4 bigint,
    refunded_e4 bigint DEFAULT 0 NOT NULL,
    provider_no text DEFAULT ''::text NOT NULL,
    payer text DEFAULT ''::text NOT NULL,
    code text DEFAULT ''::text NOT NULL,
    shown jsonb,
    decision jsonb,
    begun_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    paid_at timestamp with time zone,
    booked_at timestamp with time zone,
    closed_at timestamp with time zone,
    transfer_id bigint,
    propensity double precision,
    CONSTRAINT payment_amount_e4_check CHECK ((amount_e4 > 0)),
    CONSTRAINT payment_attempt_check CHECK ((attempt > 0)),
    CONSTRAINT payment_check CHECK (((refunded_e4 >= 0) AND (refunded_e4 <= COALESCE(paid_e4, (0)::bigint)))),
    CONSTRAINT payment_check1 CHECK (((state = ANY (ARRAY['paid'::text, 'refunded'::text])) = (booked_at IS NOT NULL))),
    CONSTRAINT payment_check2 CHECK (((booked_at IS NULL) = (transfer_id IS NULL))),
    CONSTRAINT payment_check3 CHECK (((booked_at IS NULL) = (taken_as IS NULL))),
    CONSTRAINT payment_check4 CHECK (((booked_at IS NULL) = (paid_e4 IS NULL))),
    CONSTRAINT payment_check5 CHECK (((state = 'refunded'::text) = ((paid_e4 IS NOT NULL) AND (refunded_e4 = paid_e4)))),
    CONSTRAINT payment_fee_e4_check CHECK ((fee_e4 >= 0)),
    CONSTRAINT payment_paid_e4_check CHECK ((paid_e4 > 0)),
    CONSTRAINT payment_state_check CHECK ((state = ANY (ARRAY['created'::text, 'waiting'::text, 'unknown'::text, 'failed'::text, 'closed'::text, 'paid'::text, 'refunded'::text]))),
    CONSTRAINT payment_taken_as_check CHECK ((taken_as = ANY (ARRAY['order'::text, 'recharge'::text, 'collection'::text, 'late'::text, 'double'::text, 'mismatch'::text])))
)
WITH (fillfactor='70');

CREATE TABLE public.payment_refund (
    lane smallint NOT NULL,
    refund_id bigint NOT NULL,
    refund_no text GENERATED ALWAYS AS (('R'::text || refund_id)) STORED,
    payment_id bigint NOT NULL,
    payable_id bigint NOT NULL,
    org_id bigint NOT NULL,
    channel_id integer NOT NULL,
    request_key text NOT NULL,
    cause text NOT NULL,
    amount_e4 bigint NOT NULL,
    currency text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    state text DEFAULT 'requested'::text NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    provider_refund_no text DEFAULT ''::text NOT NULL,
    code text DEFAULT ''::text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    ended_at timestamp with time zone,
    transfer_id bigint,
    case_id bigint,
    origin jsonb,
    hand_no text,
    hand_by bigint,
    hand_at timestamp with time zone,
    CONSTRAINT payment_refund_amount_e4_check CHECK ((amount_e4 > 0)),
    CONSTRAINT payment_refund_by_hand CHECK ((((hand_no IS NULL) = (hand_by IS NULL)) AND ((hand_no IS NULL) = (hand_at IS NULL)) AND ((hand_no IS NULL) OR (state = ANY (ARRAY['failed'::text, 'abnormal'::text]))))),
    CONSTRAINT payment_refund_cause_check CHECK ((cause = ANY (ARRAY['order'::text, 'collection'::text, 'late'::text, 'double'::text, 'mismatch'::text, 'case'::text]))),
    CONSTRAINT payment_refund_check CHECK (((state = 'done'::text) = (transfer_id IS NOT NULL))),
    CONSTRAINT payment_refund_check1 CHECK (((state = ANY (ARRAY['done'::text, 'failed'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT payment_refund_hand_no_check CHECK (((length(hand_no) >= 1) AND (length(hand_no) <= 100))),
    CONSTRAINT payment_refund_of_case CHECK ((((cause = 'case'::text) = (case_id IS NOT NULL)) AND ((cause = 'case'::text) = (origin IS NOT NULL)) AND ((cause = 'case'::text) = (payment_id = 0)))),
    CONSTRAINT payment_refund_request_key_check CHECK (((length(request_key) >= 1) AND (length(request_key) <= 200))),
    CONSTRAINT payment_refund_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'sent'::text, 'unknown'::text, 'done'::text, 'failed'::text, 'abnormal'::text])))
)
WITH (fillfactor='70');

CREATE TABLE public.transfer (
    lane smallint NOT NULL,
    transfer_id bigint NOT NULL,
    debit_account bigint NOT NULL,
    credit_account bigint NOT NULL,
    amount_e4 bigint NOT NULL,
    kind text NOT NULL,
    code text NOT NULL,
    pending_id bigint,
    subject_id bigint NOT NULL,
    debit_after_e4 bigint NOT NULL,
    credit_after_e4 bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT transfer_amount_e4_check CHECK ((amount_e4 > 0)),
    CONSTRAINT transfer_check CHECK ((debit_account <> credit_account)),
    CONSTRAINT transfer_check1 CHECK (((kind = ANY (ARRAY['post'::text, 'void'::text])) = (pending_id IS NOT NULL))),
    CONSTRAINT transfer_kind_check CHECK ((kind = ANY (ARRAY['posted'::text, 'hold'::text, 'post'::text, 'void'::text])))
);

CREATE VIEW public.bill_judged AS
 SELECT lane,
    channel_id,
    day,
    line_key,
    kind,
    subject_id,
    payment_id,
    provider_no,
    at,
    amount_e4,
    fee_e4,
    net_e4,
    book_e4,
        CASE
            WHEN (NOT is_known) THEN 'LONG'::text
            WHEN ((nth > 1) OR is_elsewhere) THEN 'DUPLICATE'::text
            WHEN ((book_e4 IS NULL) OR (NOT is_posted)) THEN 'STATUS'::text
            WHEN (amount_e4 <> book_e4) THEN 'AMOUNT'::text
            WHEN (NOT fee_is_right) THEN 'FEE'::text
            WHEN (own_day <> day) THEN 'CUT_OFF'::text
            ELSE NULL::text
        END AS verdict,
        CASE
            WHEN (is_known AND (nth = 1) AND (NOT is_elsewhere) AND (book_e4 IS NOT NULL) AND is_posted) THEN (net_e4 - ours_e4)
            ELSE net_e4
        END AS gap_e4
   FROM ( SELECT j.lane,
            j.channel_id,
            j.day,
            j.line_key,
            j.kind,
            j.subject_id,
            j.provider_no,
            j.at,
            j.amount_e4,
            j.fee_e4,
            j.net_e4,
            j.nth,
            j.payment_id,
            j.is_known,
            j.book_e4,
            j.ours_e4,
            j.is_posted,
            j.fee_is_right,
            j.own_day,
            j.cut_day,
            (((j.own_day <> j.day) AND (EXISTS ( SELECT
                   FROM public.bill_line o
                  WHERE ((o.lane = j.lane) AND (o.channel_id = j.channel_id) AND (o.subject_id = j.subject_id) AND (o.kind = j.kind) AND ((o.day >= (j.day - 7)) AND (o.day <= (j.day + 7))) AND ((o.day < j.day) OR (o.day = j.own_day)))))) OR ((j.cut_day IS NOT NULL) AND (j.cut_day <> j.day))) AS is_elsewhere
           FROM ( SELECT l.lane,
                    l.channel_id,
                    l.day,
                    l.line_key,
                    l.kind,
                    l.subject_id,
                    l.provider_no,
                    l.at,
                    l.amount_e4,
                    l.fee_e4,
                    (
                        CASE l.kind
                            WHEN 'payment'::text THEN l.amount_e4
                            ELSE (- l.amount_e4)
                        END - l.fee_e4) AS net_e4,
                    l.nth,
                    COALESCE(p.payment_id, r.payment_id) AS payment_id,
                    (
                        CASE l.kind
                            WHEN 'payment'::text THEN p.payment_id
                            ELSE r.refund_id
                        END IS NOT NULL) AS is_known,
                        CASE
                            WHEN (l.kind = 'payment'::text) THEN p.paid_e4
                            WHEN (r.state = 'done'::text) THEN r.amount_e4
                            ELSE NULL::bigint
                        END AS book_e4,
                        CASE l.kind
                            WHEN 'payment'::text THEN (p.paid_e4 - p.fee_e4)
                            ELSE (- r.amount_e4)
                        END AS ours_e4,
                    COALESCE(((t.amount_e4 =
                        CASE l.kind
                            WHEN 'payment'::text THEN p.paid_e4
                            ELSE r.amount_e4
                        END) AND (
                        CASE l.kind
                            WHEN 'payment'::text THEN t.debit_account
                            ELSE t.credit_account
                        END = a.account_id)), false) AS is_posted,
                        CASE l.kind
                            WHEN 'payment'::text THEN (abs((l.fee_e4 - p.fee_e4)) <= 100)
                            ELSE (((l.fee_e4)::numeric >= (('-100'::integer)::numeric - (((p.fee_e4)::numeric * (r.amount_e4)::numeric) / (p.paid_e4)::numeric))) AND (l.fee_e4 <= 100))
                        END AS fee_is_right,
                    ((
                        CASE l.kind
                            WHEN 'payment'::text THEN p.paid_at
                            ELSE r.ended_at
                        END AT TIME ZONE '08:00:00'::interval))::date AS own_day,
                    c.day AS cut_day
                   FROM (((((( SELECT b.lane,
                            b.channel_id,
                            b.day,
                            b.line_key,
                            b.kind,
                            b.payment_no,
                            b.refund_no,
                            b.provider_no,
                            b.subject_id,
                            b.amount_e4,
                            b.fee_e4,
                            b.at,
                            b.said,
                            row_number() OVER (PARTITION BY b.lane, b.channel_id, b.day, b.kind, b.subject_id ORDER BY b.line_key) AS nth
                           FROM public.bill_line b) l
                     LEFT JOIN public.payment_refund r ON (((l.kind = 'refund'::text) AND (r.lane = l.lane) AND (r.channel_id = l.channel_id) AND (r.refund_id = l.subject_id))))
                     LEFT JOIN public.payment p ON (((p.lane = l.lane) AND (p.channel_id = l.channel_id) AND (p.payment_id =
                        CASE l.kind
                            WHEN 'payment'::text THEN l.subject_id
                            ELSE r.payment_id
                        END))))
                     LEFT JOIN public.transfer t ON (((t.lane = l.lane) AND (t.transfer_id =
                        CASE l.kind
                            WHEN 'payment'::text THEN p.transfer_id
                            ELSE r.transfer_id
                        END))))
                     LEFT JOIN public.account a ON (((a.lane = l.lane) AND (a.channel_id = l.channel_id) AND (a.code = 'channel'::text))))
                     LEFT JOIN public.bill_case c ON (((c.lane = l.lane) AND (c.channel_id = l.channel_id) AND (c.line_kind = l.kind) AND (c.subject_id = l.subject_id) AND (c.subject_id > 0) AND ((c.kind = 'CUT_OFF'::text) OR ((c.kind = 'SHORT'::text) AND (c.state = 'resolved'::text) AND (c.act <> 'cleared'::text))))))) j) s;

CREATE TABLE public.bill_settlement (
    lane smallint NOT NULL,
    channel_id integer NOT NULL,
    day date NOT NULL,
    lines integer NOT NULL,
    differences integer NOT NULL,
    payment_e4 bigint NOT NULL,
    refund_e4 bigint NOT NULL,
    net_e4 bigint NOT NULL,
    fee_e4 bigint NOT NULL,
    left_keys text[] DEFAULT '{}'::text[] NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE public.blob_piece (
    lane smallint NOT NULL,
    piece_id bigint NOT NULL,
    blob_id bigint NOT NULL,
    sealed bytea NOT NULL
);
ALTER TABLE ONLY public.blob_piece ALTER COLUMN sealed SET STORAGE EXTERNAL;

CREATE TABLE public.brand (
    brand_id integer NOT NULL,
    name text NOT NULL
);

ALTER TABLE public.brand ALTER COLUMN brand_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.brand_brand_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.card (
    lane smallint NOT NULL,
    card_id bigint NOT NULL,
    sku_id bigint NOT NULL,
    batch_id bigint NOT NULL,
    sealed bytea NOT NULL,
    expires_on date DEFAULT 'infinity'::date NOT NULL,
    order_id bigint,
    state text DEFAULT 'on_shelf'::text NOT NULL,
    original_id bigint,
    label text,
    pick_fee_e4 bigint,
    CONSTRAINT card_check CHECK (((state = 'sold'::text) <= (order_id IS NOT NULL))),
    CONSTRAINT card_check1 CHECK (((state = 'on_shelf'::text) <= (order_id IS NULL))),
    CONSTRAINT card_display_check CHECK (((state <> ALL (ARRAY['on_shelf'::text, 'on_display'::text])) OR ((state = 'on_display'::text) = (label IS NOT NULL)))),
    CONSTRAINT card_display_is_free CHECK (((state <> 'on_display'::text) OR (order_id IS NULL))),
    CONSTRAINT card_label_check CHECK (((length(label) >= 1) AND (length(label) <= 64))),
    CONSTRAINT card_pick_fee_e4_check CHECK ((pick_fee_e4 >= 0)),
    CONSTRAINT card_reserved_check CHECK (((state <> 'reserved'::text) OR (order_id IS NOT NULL))),
    CONSTRAINT card_state_check CHECK ((state = ANY (ARRAY['on_shelf'::text, 'on_display'::text, 'reserved'::text, 'sold'::text, 'quarantined'::text, 'void'::text])))
);

CREATE TABLE public.card_batch (
    batch_id bigint NOT NULL,
    sku_id bigint NOT NULL,
    supplier_org_id bigint DEFAULT 0 NOT NULL,
    file_name text NOT NULL,
    cost_e4 bigint,
    expires_on date,
    loaded integer NOT NULL,
    refused integer NOT NULL,
    loaded_by bigint NOT NULL,
    loaded_at timestamp with time zone NOT NULL,
    paid_e4 bigint,
    hosts text[] DEFAULT '{}'::text[] NOT NULL,
    first_card_id bigint,
    last_card_id bigint,
    CONSTRAINT card_batch_paid_e4_check CHECK ((paid_e4 >= 0))
);

CREATE TABLE public.card_fingerprint (
    fingerprint bytea NOT NULL,
    card_id bigint NOT NULL,
    number_print bytea
);

CREATE TABLE public.card_mark (
    lane smallint NOT NULL,
    org_id bigint NOT NULL,
    card_id bigint NOT NULL,
    used_at timestamp with time zone NOT NULL
);

CREATE TABLE public.card_run (
    run_id bigint NOT NULL,
    org_id bigint NOT NULL,
    sku_id bigint NOT NULL,
    file_name text NOT NULL,
    file_bytes integer NOT NULL,
    uses integer NOT NULL,
    cost_e4 bigint,
    expires_on date,
    state text NOT NULL,
    format text DEFAULT ''::text NOT NULL,
    encoding text DEFAULT ''::text NOT NULL,
    cards integer DEFAULT 0 NOT NULL,
    broken integer DEFAULT 0 NOT NULL,
    repeated integer DEFAULT 0 NOT NULL,
    known integer DEFAULT 0 NOT NULL,
    preview jsonb DEFAULT '[]'::jsonb NOT NULL,
    fault text DEFAULT ''::text NOT NULL,
    fault_zh text DEFAULT ''::text NOT NULL,
    batch_id bigint,
    cursor_line integer DEFAULT 0 NOT NULL,
    gone integer DEFAULT 0 NOT NULL,
    loaded integer DEFAULT 0 NOT NULL,
    created_by bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT card_run_check CHECK (((loaded <= gone) AND (gone <= cards))),
    CONSTRAINT card_run_check1 CHECK (((state = ANY (ARRAY['done'::text, 'refused'::text, 'dropped'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT card_run_cost_e4_check CHECK ((cost_e4 >= 0)),
    CONSTRAINT card_run_file_bytes_check CHECK ((file_bytes > 0)),
    CONSTRAINT card_run_file_name_check CHECK (((length(file_name) >= 1) AND (length(file_name) <= 80))),
    CONSTRAINT card_run_state_check CHECK ((state = ANY (ARRAY['arriving'::text, 'reading'::text, 'ready'::text, 'loading'::text, 'done'::text, 'refused'::text, 'dropped'::text])))
);

CREATE TABLE public.card_run_line (
    run_id bigint NOT NULL,
    line integer NOT NULL,
    reason text NOT NULL,
    preview text NOT NULL,
    first_line integer DEFAULT 0 NOT NULL
);

CREATE TABLE public.challenge (
    challenge_id bigint NOT NULL,
    address_hash bytea,
    code_hash bytea,
    tries smallint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    answered_at timestamp with time zone,
    spent_at timestamp with time zone
);

CREATE TABLE public.channel_use (
    org_id bigint NOT NULL,
    rule text NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    changed_by bigint NOT NULL,
    CONSTRAINT channel_use_rule_check CHECK ((rule = ANY (ARRAY['only'::text, 'first'::text])))
);

CREATE TABLE public.counter (
    entity_hash bytea NOT NULL,
    rule_id integer NOT NULL,
    window_start bigint NOT NULL,
    taken_count integer DEFAULT 0 NOT NULL,
    taken_e4 bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.desk_told (
    lane smallint NOT NULL,
    job_id bigint NOT NULL,
    was_overdue boolean NOT NULL
);

CREATE TABLE public.epay_account (
    pid integer NOT NULL,
    org_id bigint NOT NULL,
    secrets bytea,
    shop_key text DEFAULT ''::text NOT NULL,
    our_key text DEFAULT ''::text NOT NULL,
    fee_ppm integer NOT NULL,
    hosts text[] DEFAULT '{}'::text[] NOT NULL,
    is_on boolean DEFAULT true NOT NULL,
    is_rsa_only boolean DEFAULT false NOT NULL,
    has_refunds boolean DEFAULT false NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    made_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    barred text DEFAULT ''::text NOT NULL,
    CONSTRAINT epay_account_fee_ppm_check CHECK (((fee_ppm >= 0) AND (fee_ppm <= 500000)))
);

ALTER TABLE public.epay_account ALTER COLUMN pid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.epay_account_pid_seq
    START WITH 1001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.epay_day (
    lane smallint NOT NULL,
    pid integer NOT NULL,
    day date NOT NULL,
    begun integer DEFAULT 0 NOT NULL,
    paid integer DEFAULT 0 NOT NULL,
    paid_e4 bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.epay_trade (
    lane smallint NOT NULL,
    trade_id bigint NOT NULL,
    pid integer NOT NULL,
    org_id bigint NOT NULL,
    out_trade_no text NOT NULL,
    version smallint NOT NULL,
    type text DEFAULT ''::text NOT NULL,
    name text NOT NULL,
    amount_e4 bigint NOT NULL,
    fee_e4 bigint NOT NULL,
    notify_url text NOT NULL,
    return_url text DEFAULT ''::text NOT NULL,
    param text DEFAULT ''::text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    paid_at timestamp with time zone,
    tellings smallint DEFAULT 0 NOT NULL,
    told text DEFAULT ''::text NOT NULL,
    fault text DEFAULT ''::text NOT NULL,
    CONSTRAINT epay_trade_amount_e4_check CHECK ((amount_e4 > 0)),
    CONSTRAINT epay_trade_check CHECK (((fee_e4 >= 0) AND (fee_e4 < amount_e4))),
    CONSTRAINT epay_trade_out_trade_no_check CHECK (((length(out_trade_no) >= 1) AND (length(out_trade_no) <= 150))),
    CONSTRAINT epay_trade_told_check CHECK ((told = ANY (ARRAY[''::text, 'heard'::text, 'given_up'::text]))),
    CONSTRAINT epay_trade_version_check CHECK ((version = ANY (ARRAY[1, 2])))
)
WITH (fillfactor='80');

CREATE TABLE public.epoch (
    topic text NOT NULL,
    value bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='10');

CREATE TABLE public.event_feed (
    lane smallint NOT NULL,
    org_id bigint NOT NULL,
    since_id bigint NOT NULL,
    opened_at timestamp with time zone NOT NULL
);

CREATE TABLE public.factor_rule (
    lane smallint NOT NULL,
    org_id bigint NOT NULL,
    since timestamp with time zone NOT NULL,
    set_by bigint NOT NULL
);

CREATE TABLE public.feature_switch (
    name text NOT NULL,
    is_on boolean NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    changed_by bigint NOT NULL,
    reason text NOT NULL
);

CREATE TABLE public.flash_sale (
    sale_id bigint NOT NULL,
    sku_id bigint NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    buyer_max integer NOT NULL,
    state text DEFAULT 'planned'::text NOT NULL,
    planned_by bigint NOT NULL,
    CONSTRAINT flash_sale_buyer_max_check CHECK ((buyer_max > 0)),
    CONSTRAINT flash_sale_check CHECK ((starts_at < ends_at)),
    CONSTRAINT flash_sale_state_check CHECK ((state = ANY (ARRAY['planned'::text, 'running'::text, 'over'::text])))
);

CREATE TABLE public.invitation (
    lane smallint NOT NULL,
    invitation_id bigint NOT NULL,
    org_id bigint NOT NULL,
    token_hash bytea NOT NULL,
    role text NOT NULL,
    shown text NOT NULL,
    invited_by bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    accepted_by bigint,
    ended_at timestamp with time zone,
    CONSTRAINT invitation_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'finance'::text, 'support'::text, 'catalogue'::text, 'risk'::text, 'auditor'::text, 'clerk'::text])))
);

CREATE TABLE public.job (
    lane smallint NOT NULL,
    job_id bigint NOT NULL,
    kind text NOT NULL,
    subject_id bigint NOT NULL,
    payload jsonb,
    state text DEFAULT 'waiting'::text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    lease_token bigint,
    lease_until timestamp with time zone,
    error text,
    CONSTRAINT job_check CHECK (((state = ANY (ARRAY['leased'::text, 'sending'::text])) = (lease_token IS NOT NULL))),
    CONSTRAINT job_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'leased'::text, 'sending'::text, 'dead'::text, 'unknown'::text])))
)
WITH (fillfactor='70');

CREATE TABLE public.lane (
    lane smallint NOT NULL,
    last_tick bigint DEFAULT 0 NOT NULL,
    serial bigint DEFAULT 0 NOT NULL,
    organisations integer DEFAULT 0 NOT NULL,
    CONSTRAINT lane_lane_check CHECK (((lane >= 0) AND (lane <= 1023)))
)
WITH (fillfactor='10');

CREATE TABLE public.lane_counter (
    lane smallint NOT NULL,
    entity_id bigint NOT NULL,
    rule_id integer NOT NULL,
    window_start bigint NOT NULL,
    taken_count integer DEFAULT 0 NOT NULL,
    taken_e4 bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.level_price (
    sku_id bigint NOT NULL,
    level smallint NOT NULL,
    price_e4 bigint NOT NULL,
    changed bigint NOT NULL,
    CONSTRAINT level_price_level_check CHECK (((level >= 0) AND (level <= 99))),
    CONSTRAINT level_price_price_e4_check CHECK ((price_e4 > 0))
);

CREATE TABLE public.list_run (
    lane smallint NOT NULL,
    run_id bigint NOT NULL,
    org_id bigint NOT NULL,
    person_id bigint NOT NULL,
    kind text NOT NULL,
    plan text NOT NULL,
    query text NOT NULL,
    wanted bigint[],
    up_to bigint NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    language text DEFAULT 'zh'::text NOT NULL,
    form text DEFAULT ''::text NOT NULL,
    state text NOT NULL,
    total integer NOT NULL,
    done integer DEFAULT 0 NOT NULL,
    refused integer DEFAULT 0 NOT NULL,
    amount_e4 bigint DEFAULT 0 NOT NULL,
    refusals jsonb DEFAULT '[]'::jsonb NOT NULL,
    place text,
    pending jsonb DEFAULT '[]'::jsonb NOT NULL,
    file_name text DEFAULT ''::text NOT NULL,
    file_bytes bigint DEFAULT 0 NOT NULL,
    is_stop_asked boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT list_run_check CHECK (((state = ANY (ARRAY['done'::text, 'failed'::text, 'stopped'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT list_run_form_check CHECK ((form = ANY (ARRAY[''::text, 'csv'::text, 'xlsx'::text]))),
    CONSTRAINT list_run_kind_check CHECK ((kind = ANY (ARRAY['act'::text, 'export'::text]))),
    CONSTRAINT list_run_reason_check CHECK ((length(reason) <= 500)),
    CONSTRAINT list_run_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'failed'::text, 'stopped'::text]))),
    CONSTRAINT list_run_total_check CHECK ((total >= 0))
);

CREATE TABLE public.manual_answer (
    lane smallint NOT NULL,
    order_id bigint NOT NULL,
    part_no smallint NOT NULL,
    sealed bytea NOT NULL,
    image bytea,
    media_type text DEFAULT ''::text NOT NULL,
    image_bytes integer DEFAULT 0 NOT NULL,
    answered_at timestamp with time zone NOT NULL,
    CONSTRAINT manual_answer_check CHECK (((image IS NULL) = (media_type = ''::text))),
    CONSTRAINT manual_answer_media_type_check CHECK ((media_type = ANY (ARRAY[''::text, 'image/png'::text, 'image/jpeg'::text, 'image/webp'::text])))
);

CREATE TABLE public.manual_task (
    lane smallint NOT NULL,
    order_id bigint NOT NULL,
    part_no smallint NOT NULL,
    task_id bigint NOT NULL,
    sku_id bigint NOT NULL,
    sku_revision integer NOT NULL,
    quantity integer NOT NULL,
    worker_org_id bigint NOT NULL,
    state text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    warn_at timestamp with time zone,
    is_overdue boolean DEFAULT false NOT NULL,
    is_extended boolean DEFAULT false NOT NULL,
    is_begun boolean DEFAULT false NOT NULL,
    is_stop_asked boolean DEFAULT false NOT NULL,
    taker_org_id bigint,
    taken_by bigint,
    taken_until timestamp with time zone,
    digest bytea,
    ended_at timestamp with time zone,
    reason text DEFAULT ''::text NOT NULL,
    news text,
    CONSTRAINT manual_task_check CHECK (((state = 'taken'::text) = (taken_until IS NOT NULL))),
    CONSTRAINT manual_task_check1 CHECK (((state <> ALL (ARRAY['taken'::text, 'answered'::text, 'refused'::text])) OR (taker_org_id IS NOT NULL))),
    CONSTRAINT manual_task_check2 CHECK (((state = ANY (ARRAY['open'::text, 'taken'::text])) = (ended_at IS NULL))),
    CONSTRAINT manual_task_check3 CHECK (((state = ANY (ARRAY['answered'::text, 'refused'::text])) = (digest IS NOT NULL))),
    CONSTRAINT manual_task_part_no_check CHECK ((part_no >= 0)),
    CONSTRAINT manual_task_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT manual_task_reason_check CHECK ((length(reason) <= 500)),
    CONSTRAINT manual_task_state_check CHECK ((state = ANY (ARRAY['open'::text, 'taken'::text, 'answered'::text, 'refused'::text, 'closed'::text])))
);

CREATE TABLE public.markup (
    agent_id bigint NOT NULL,
    scope text NOT NULL,
    which text NOT NULL,
    level smallint NOT NULL,
    fixed_e4 bigint NOT NULL,
    percent_e4 bigint NOT NULL,
    unit_e4 integer NOT NULL,
    rounding text NOT NULL,
    ending_e4 integer NOT NULL,
    changed bigint NOT NULL,
    CONSTRAINT markup_check CHECK (((scope = 'all'::text) = (which = ''::text))),
    CONSTRAINT markup_check1 CHECK (((ending_e4 >= 0) AND (ending_e4 < unit_e4))),
    CONSTRAINT markup_level_check CHECK (((level >= '-1'::integer) AND (level <= 99))),
    CONSTRAINT markup_percent_e4_check CHECK ((percent_e4 > '-1000000'::integer)),
    CONSTRAINT markup_rounding_check CHECK ((rounding = ANY (ARRAY['up'::text, 'half_even'::text, 'down'::text]))),
    CONSTRAINT markup_scope_check CHECK ((scope = ANY (ARRAY['sku'::text, 'brand'::text, 'scene'::text, 'all'::text]))),
    CONSTRAINT markup_unit_e4_check CHECK ((unit_e4 = ANY (ARRAY[1, 100, 1000, 10000])))
);

CREATE TABLE public.membership (
    lane smallint NOT NULL,
    org_id bigint NOT NULL,
    person_id bigint NOT NULL,
    role text NOT NULL,
    since timestamp with time zone NOT NULL,
    CONSTRAINT membership_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'finance'::text, 'support'::text, 'catalogue'::text, 'risk'::text, 'auditor'::text, 'clerk'::text])))
);

CREATE TABLE public.message (
    lane smallint NOT NULL,
    message_id bigint NOT NULL,
    org_id bigint NOT NULL,
    channel text NOT NULL,
    template text NOT NULL,
    facts jsonb NOT NULL,
    address bytea NOT NULL,
    address_hash bytea NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    receipt text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    language text DEFAULT 'both'::text NOT NULL,
    about text DEFAULT ''::text NOT NULL,
    shown text DEFAULT ''::text NOT NULL,
    CONSTRAINT message_channel_check CHECK ((channel = ANY (ARRAY['mail'::text, 'sms'::text, 'wecom'::text, 'dingtalk'::text, 'feishu'::text]))),
    CONSTRAINT message_language_check CHECK ((language = ANY (ARRAY['zh'::text, 'en'::text, 'both'::text]))),
    CONSTRAINT message_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sent'::text])))
);

CREATE TABLE public.month_close (
    lane smallint NOT NULL,
    month date NOT NULL,
    closed_at timestamp with time zone NOT NULL,
    closed_by bigint NOT NULL,
    CONSTRAINT month_close_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric))
);

CREATE TABLE public.month_sum (
    lane smallint NOT NULL,
    account_id bigint NOT NULL,
    code text NOT NULL,
    month date NOT NULL,
    opening_e4 bigint NOT NULL,
    debit_e4 bigint NOT NULL,
    credit_e4 bigint NOT NULL,
    transfer_count bigint NOT NULL,
    closing_e4 bigint NOT NULL,
    CONSTRAINT month_sum_check CHECK ((closing_e4 = ((opening_e4 + credit_e4) - debit_e4))),
    CONSTRAINT month_sum_credit_e4_check CHECK ((credit_e4 >= 0)),
    CONSTRAINT month_sum_debit_e4_check CHECK ((debit_e4 >= 0)),
    CONSTRAINT month_sum_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric)),
    CONSTRAINT month_sum_transfer_count_check CHECK ((transfer_count > 0))
);

CREATE TABLE public.named_price (
    sku_id bigint NOT NULL,
    org_id bigint NOT NULL,
    price_e4 bigint NOT NULL,
    changed bigint NOT NULL,
    seller_id bigint DEFAULT 0 NOT NULL,
    CONSTRAINT named_price_price_e4_check CHECK ((price_e4 > 0))
);

CREATE TABLE public.nonce (
    lane smallint NOT NULL,
    drawer smallint NOT NULL,
    nonce_hash bytea NOT NULL
)
PARTITION BY LIST (drawer);

CREATE TABLE public.nonce_0 (
    lane smallint CONSTRAINT nonce_lane_not_null NOT NULL,
    drawer smallint CONSTRAINT nonce_drawer_not_null NOT NULL,
    nonce_hash bytea CONSTRAINT nonce_nonce_hash_not_null NOT NULL
);

CREATE TABLE public.nonce_1 (
    lane smallint CONSTRAINT nonce_lane_not_null NOT NULL,
    drawer smallint CONSTRAINT nonce_drawer_not_null NOT NULL,
    nonce_hash bytea CONSTRAINT nonce_nonce_hash_not_null NOT NULL
);

CREATE TABLE public.nonce_2 (
    lane smallint CONSTRAINT nonce_lane_not_null NOT NULL,
    drawer smallint CONSTRAINT nonce_drawer_not_null NOT NULL,
    nonce_hash bytea CONSTRAINT nonce_nonce_hash_not_null NOT NULL
);

CREATE TABLE public.nonce_3 (
    lane smallint CONSTRAINT nonce_lane_not_null NOT NULL,
    drawer smallint CONSTRAINT nonce_drawer_not_null NOT NULL,
    nonce_hash bytea CONSTRAINT nonce_nonce_hash_not_null NOT NULL
);

CREATE TABLE public.notice_subscription (
    subscription_id bigint NOT NULL,
    org_id bigint NOT NULL,
    topic text NOT NULL,
    channel text NOT NULL,
    language text NOT NULL,
    address bytea NOT NULL,
    address_hash bytea NOT NULL,
    shown text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT notice_subscription_channel_check CHECK ((channel = ANY (ARRAY['mail'::text, 'sms'::text, 'wecom'::text, 'dingtalk'::text, 'feishu'::text]))),
    CONSTRAINT notice_subscription_language_check CHECK ((language = ANY (ARRAY['zh'::text, 'en'::text, 'both'::text])))
);

CREATE TABLE public.order_command (
    lane smallint NOT NULL,
    order_id bigint NOT NULL,
    key text NOT NULL,
    digest bytea NOT NULL,
    command text NOT NULL,
    state text NOT NULL,
    sequence integer NOT NULL,
    refunded_e4 bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT order_command_key_check CHECK (((length(key) >= 1) AND (length(key) <= 200)))
);

CREATE TABLE public.order_field (
    name text NOT NULL,
    spec jsonb NOT NULL,
    CONSTRAINT order_field_name_check CHECK ((name ~ '^x_(public|phone|email|account|name|address|password)_[a-z0-9_]{1,30}$'::text))
);

CREATE TABLE public.order_form (
    name text NOT NULL,
    title text NOT NULL,
    fields text[] NOT NULL,
    made_at timestamp with time zone NOT NULL,
    made_by bigint NOT NULL,
    CONSTRAINT order_form_fields_check CHECK (((cardinality(fields) >= 1) AND (cardinality(fields) <= 12))),
    CONSTRAINT order_form_name_check CHECK ((name ~ '^form_[a-z0-9_]{1,40}$'::text)),
    CONSTRAINT order_form_title_check CHECK (((length(title) >= 1) AND (length(title) <= 60)))
);

CREATE TABLE public.order_mark (
    lane smallint NOT NULL,
    span smallint GENERATED ALWAYS AS ((order_id >> 51)) STORED NOT NULL,
    mark bytea NOT NULL,
    order_id bigint NOT NULL
);

CREATE TABLE public.order_mark_older (
    lane smallint NOT NULL,
    after_id bigint NOT NULL,
    until_id bigint NOT NULL
);

CREATE TABLE public.order_part (
    lane smallint NOT NULL,
    order_id bigint NOT NULL,
    part_no smallint NOT NULL,
    sku_id bigint NOT NULL,
    sku_revision integer NOT NULL,
    kind text NOT NULL,
    quantity integer NOT NULL,
    worth_e4 bigint NOT NULL,
    state text NOT NULL,
    card_ids bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    CONSTRAINT order_part_part_no_check CHECK ((part_no > 0)),
    CONSTRAINT order_part_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT order_part_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'delivered'::text, 'failed'::text, 'refunded'::text]))),
    CONSTRAINT order_part_worth_e4_check CHECK ((worth_e4 >= 0))
);

CREATE TABLE public.order_password (
    lane smallint NOT NULL,
    order_id bigint NOT NULL
);

CREATE TABLE public.order_payment (
    lane smallint NOT NULL,
    order_id bigint NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    is_open boolean DEFAULT true NOT NULL,
    ip_key bytea NOT NULL,
    buyer_key bytea NOT NULL,
    contact bytea,
    password_hash text,
    failures integer DEFAULT 0 NOT NULL,
    asked_at timestamp with time zone,
    chosen_card bigint,
    language text DEFAULT 'both'::text NOT NULL,
    needs_review boolean DEFAULT false NOT NULL,
    payment_id bigint,
    CONSTRAINT order_payment_check CHECK (((contact IS NULL) = (password_hash IS NULL))),
    CONSTRAINT order_payment_language_check CHECK ((language = ANY (ARRAY['zh'::text, 'en'::text, 'both'::text])))
);

CREATE TABLE public.order_ref (
    lane smallint CONSTRAINT reference_lane_not_null NOT NULL,
    ref_key bytea CONSTRAINT reference_ref_key_not_null NOT NULL,
    digest bytea CONSTRAINT reference_digest_not_null NOT NULL,
    order_id bigint CONSTRAINT reference_order_id_not_null NOT NULL
);

CREATE TABLE public.order_tallied (
    lane smallint NOT NULL,
    until_id bigint NOT NULL
);

CREATE TABLE public.order_tally (
    lane smallint NOT NULL,
    since timestamp with time zone NOT NULL,
    currency text NOT NULL,
    orders integer NOT NULL,
    amount_e4 bigint NOT NULL,
    cost_e4 bigint NOT NULL,
    CONSTRAINT order_tally_orders_check CHECK ((orders > 0))
);

CREATE TABLE public.org_document (
    lane smallint NOT NULL,
    document_id bigint NOT NULL,
    org_id bigint NOT NULL,
    kind text NOT NULL,
    number text NOT NULL,
    issuer text NOT NULL,
    scope text[] DEFAULT '{}'::text[] NOT NULL,
    valid_from date NOT NULL,
    valid_until date,
    file_name text NOT NULL,
    media_type text NOT NULL,
    file_bytes integer NOT NULL,
    state text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    submitted_by bigint NOT NULL,
    submitted_at timestamp with time zone NOT NULL,
    reviewed_by bigint,
    reviewed_at timestamp with time zone,
    reminded_days integer,
    CONSTRAINT org_document_check CHECK ((valid_until >= valid_from)),
    CONSTRAINT org_document_check1 CHECK (((state = ANY (ARRAY['accepted'::text, 'refused'::text])) = (reviewed_at IS NOT NULL))),
    CONSTRAINT org_document_check2 CHECK (((state = 'refused'::text) = (reason <> ''::text))),
    CONSTRAINT org_document_file_bytes_check CHECK (((file_bytes >= 1) AND (file_bytes <= 5242880))),
    CONSTRAINT org_document_file_name_check CHECK (((length(file_name) >= 1) AND (length(file_name) <= 100))),
    CONSTRAINT org_document_issuer_check CHECK (((length(issuer) >= 1) AND (length(issuer) <= 100))),
    CONSTRAINT org_document_kind_check CHECK ((kind = ANY (ARRAY['business_licence'::text, 'permit'::text, 'brand_authorisation'::text, 'tax'::text, 'other'::text]))),
    CONSTRAINT org_document_media_type_check CHECK ((media_type = ANY (ARRAY['application/pdf'::text, 'image/png'::text, 'image/jpeg'::text]))),
    CONSTRAINT org_document_number_check CHECK (((length(number) >= 1) AND (length(number) <= 64))),
    CONSTRAINT org_document_reason_check CHECK ((length(reason) <= 500)),
    CONSTRAINT org_document_state_check CHECK ((state = ANY (ARRAY['arriving'::text, 'waiting'::text, 'accepted'::text, 'refused'::text, 'withdrawn'::text])))
);

CREATE TABLE public.organisation (
    lane smallint NOT NULL,
    org_id bigint NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    level smallint DEFAULT 0 NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    currency text DEFAULT 'CNY'::text NOT NULL,
    sandbox_of bigint,
    wants_events boolean DEFAULT false NOT NULL,
    changed bigint NOT NULL,
    founded_at timestamp with time zone NOT NULL,
    parent_id bigint,
    self_collected boolean DEFAULT false NOT NULL,
    minimum_balance_e4 bigint,
    day_budget_e4 bigint,
    month_budget_e4 bigint,
    external_ref text DEFAULT ''::text NOT NULL,
    CONSTRAINT organisation_check CHECK (((sandbox_of IS NOT NULL) = (currency = 'XTS'::text))),
    CONSTRAINT organisation_check1 CHECK ((parent_id <> org_id)),
    CONSTRAINT organisation_check2 CHECK (((kind = 'agent'::text) OR (NOT self_collected))),
    CONSTRAINT organisation_day_budget_e4_check CHECK ((day_budget_e4 > 0)),
    CONSTRAINT organisation_external_ref_check CHECK ((length(external_ref) <= 64)),
    CONSTRAINT organisation_kind_check CHECK ((kind = ANY (ARRAY['platform'::text, 'merchant'::text, 'agent'::text, 'supplier'::text, 'customer'::text]))),
    CONSTRAINT organisation_level_check CHECK (((level >= 0) AND (level <= 99))),
    CONSTRAINT organisation_minimum_balance_e4_check CHECK ((minimum_balance_e4 > 0)),
    CONSTRAINT organisation_month_budget_e4_check CHECK ((month_budget_e4 > 0)),
    CONSTRAINT organisation_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT organisation_state_check CHECK ((state = ANY (ARRAY['active'::text, 'suspended'::text, 'closed'::text])))
);

CREATE TABLE public.passkey (
    person_id bigint NOT NULL,
    credential_id bytea NOT NULL,
    public_key bytea NOT NULL,
    sign_count bigint NOT NULL,
    domain text NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);

CREATE TABLE public.payable (
    lane smallint NOT NULL,
    payable_id bigint NOT NULL,
    kind text NOT NULL,
    org_id bigint NOT NULL,
    amount_e4 bigint NOT NULL,
    currency text NOT NULL,
    wallet_e4 bigint DEFAULT 0 NOT NULL,
    hold_id bigint,
    bonus_e4 bigint DEFAULT 0 NOT NULL,
    client_ref text,
    attempts smallint DEFAULT 0 NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    payment_id bigint,
    expires_at timestamp with time zone NOT NULL,
    made_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    fee_e4 bigint DEFAULT 0 NOT NULL,
    CONSTRAINT payable_amount_e4_check CHECK ((amount_e4 > 0)),
    CONSTRAINT payable_bonus_e4_check CHECK ((bonus_e4 >= 0)),
    CONSTRAINT payable_check CHECK (((wallet_e4 >= 0) AND (wallet_e4 < amount_e4))),
    CONSTRAINT payable_check1 CHECK (((wallet_e4 > 0) = (hold_id IS NOT NULL))),
    CONSTRAINT payable_check2 CHECK (((kind = 'recharge'::text) OR ((bonus_e4 = 0) AND (client_ref IS NULL)))),
    CONSTRAINT payable_check3 CHECK (((state = 'paid'::text) = (payment_id IS NOT NULL))),
    CONSTRAINT payable_check4 CHECK (((state = 'open'::text) = (ended_at IS NULL))),
    CONSTRAINT payable_check5 CHECK (((fee_e4 >= 0) AND (fee_e4 < amount_e4))),
    CONSTRAINT payable_client_ref_check CHECK (((length(client_ref) >= 1) AND (length(client_ref) <= 64))),
    CONSTRAINT payable_fee_check CHECK (((kind = 'collection'::text) OR (fee_e4 = 0))),
    CONSTRAINT payable_kind_check CHECK ((kind = ANY (ARRAY['order'::text, 'recharge'::text, 'collection'::text]))),
    CONSTRAINT payable_state_check CHECK ((state = ANY (ARRAY['open'::text, 'paid'::text, 'closed'::text])))
)
WITH (fillfactor='80');

CREATE TABLE public.payment_channel (
    channel_id integer NOT NULL,
    org_id bigint DEFAULT 0 NOT NULL,
    protocol text NOT NULL,
    name text NOT NULL,
    currency text NOT NULL,
    account_no text NOT NULL,
    credentials bytea,
    offers jsonb NOT NULL,
    fee_ppm integer DEFAULT 0 NOT NULL,
    fee_fixed_e4 bigint DEFAULT 0 NOT NULL,
    least_e4 bigint DEFAULT 0 NOT NULL,
    most_e4 bigint,
    day_most_e4 bigint,
    opens_min smallint,
    closes_min smallint,
    licence_until date,
    certificate_until date,
    notify_from text[] DEFAULT '{}'::text[] NOT NULL,
    weight integer DEFAULT 100 NOT NULL,
    is_on boolean DEFAULT false NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    made_at timestamp with time zone NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    day_target_e4 bigint,
    CONSTRAINT payment_channel_check CHECK ((most_e4 >= least_e4)),
    CONSTRAINT payment_channel_check1 CHECK (((opens_min IS NULL) = (closes_min IS NULL))),
    CONSTRAINT payment_channel_closes_min_check CHECK (((closes_min >= 0) AND (closes_min <= 1439))),
    CONSTRAINT payment_channel_day_most_e4_check CHECK ((day_most_e4 >= 0)),
    CONSTRAINT payment_channel_day_target_e4_check CHECK ((day_target_e4 > 0)),
    CONSTRAINT payment_channel_fee_fixed_e4_check CHECK ((fee_fixed_e4 >= 0)),
    CONSTRAINT payment_channel_fee_ppm_check CHECK (((fee_ppm >= 0) AND (fee_ppm <= 500000))),
    CONSTRAINT payment_channel_least_e4_check CHECK ((least_e4 >= 0)),
    CONSTRAINT payment_channel_name_check CHECK (((length(name) >= 1) AND (length(name) <= 60))),
    CONSTRAINT payment_channel_opens_min_check CHECK (((opens_min >= 0) AND (opens_min <= 1439))),
    CONSTRAINT payment_channel_weight_check CHECK (((weight >= 0) AND (weight <= 10000)))
);

ALTER TABLE public.payment_channel ALTER COLUMN channel_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.payment_channel_channel_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.payment_day (
    lane smallint NOT NULL,
    channel_id integer NOT NULL,
    day date NOT NULL,
    begun integer DEFAULT 0 NOT NULL,
    begun_e4 bigint DEFAULT 0 NOT NULL,
    paid integer DEFAULT 0 NOT NULL,
    paid_e4 bigint DEFAULT 0 NOT NULL,
    fee_e4 bigint DEFAULT 0 NOT NULL,
    refunded_e4 bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE public.payment_inbox (
    lane smallint NOT NULL,
    channel_id integer NOT NULL,
    event_id text NOT NULL,
    kind text NOT NULL,
    facts jsonb NOT NULL,
    said text,
    at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    tries smallint DEFAULT 0 NOT NULL,
    CONSTRAINT payment_inbox_event_id_check CHECK (((length(event_id) >= 1) AND (length(event_id) <= 200))),
    CONSTRAINT payment_inbox_kind_check CHECK ((kind = ANY (ARRAY['payment'::text, 'refund'::text, 'other'::text])))
);

CREATE TABLE public.payment_message (
    lane smallint NOT NULL,
    channel_id integer NOT NULL,
    event_id text NOT NULL,
    at timestamp with time zone NOT NULL,
    said text NOT NULL
);

CREATE TABLE public.payment_notice (
    lane smallint NOT NULL,
    channel_id integer NOT NULL,
    event_id text NOT NULL,
    kind text NOT NULL,
    payment_id bigint,
    refund_id bigint,
    effect text NOT NULL,
    facts jsonb NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT payment_notice_event_id_check CHECK (((length(event_id) >= 1) AND (length(event_id) <= 200))),
    CONSTRAINT payment_notice_kind_check CHECK ((kind = ANY (ARRAY['payment'::text, 'refund'::text, 'other'::text])))
);

CREATE TABLE public.payment_reference (
    reference text NOT NULL,
    order_id bigint NOT NULL,
    CONSTRAINT payment_reference_reference_check CHECK (((length(reference) >= 3) AND (length(reference) <= 200)))
);

CREATE TABLE public.payment_return (
    reference text NOT NULL,
    order_id bigint NOT NULL,
    amount_e4 bigint NOT NULL,
    CONSTRAINT payment_return_amount_e4_check CHECK ((amount_e4 > 0)),
    CONSTRAINT payment_return_reference_check CHECK (((length(reference) >= 1) AND (length(reference) <= 100)))
);

CREATE TABLE public.payout (
    lane smallint NOT NULL,
    payout_id bigint NOT NULL,
    payout_no text GENERATED ALWAYS AS (('W'::text || payout_id)) STORED,
    org_id bigint NOT NULL,
    method text NOT NULL,
    channel_id integer,
    batch_id bigint,
    amount_e4 bigint NOT NULL,
    fee_e4 bigint NOT NULL,
    currency text NOT NULL,
    state text NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    provider_no text DEFAULT ''::text NOT NULL,
    code text DEFAULT ''::text NOT NULL,
    unanswered_at timestamp with time zone,
    asked_by bigint NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    ended_by bigint,
    ended_at timestamp with time zone,
    CONSTRAINT payout_amount_e4_check CHECK (((amount_e4 > 0) AND ((amount_e4 % (100)::bigint) = 0))),
    CONSTRAINT payout_asked_by_check CHECK ((asked_by <> 0)),
    CONSTRAINT payout_check CHECK (((method = 'bank'::text) = (batch_id IS NOT NULL))),
    CONSTRAINT payout_check1 CHECK (((method = 'bank'::text) = (channel_id IS NULL))),
    CONSTRAINT payout_check2 CHECK (((state = ANY (ARRAY['done'::text, 'failed'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT payout_fee_e4_check CHECK ((fee_e4 >= 0)),
    CONSTRAINT payout_method_check CHECK ((method = ANY (ARRAY['bank'::text, 'alipay'::text]))),
    CONSTRAINT payout_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'sent'::text, 'unknown'::text, 'abnormal'::text, 'done'::text, 'failed'::text])))
)
WITH (fillfactor='70');

CREATE TABLE public.payout_batch (
    lane smallint NOT NULL,
    batch_id bigint NOT NULL,
    lines integer NOT NULL,
    amount_e4 bigint NOT NULL,
    made_by bigint NOT NULL,
    made_at timestamp with time zone NOT NULL
);

CREATE TABLE public.person (
    person_id bigint NOT NULL,
    sign_in text NOT NULL,
    name text NOT NULL,
    password_hash text,
    state text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT person_sign_in_check CHECK ((sign_in = lower(sign_in))),
    CONSTRAINT person_state_check CHECK ((state = ANY (ARRAY['active'::text, 'locked'::text, 'closed'::text])))
);

CREATE TABLE public.price_change (
    change_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    sku_id bigint NOT NULL,
    what text NOT NULL,
    before_e4 bigint,
    after_e4 bigint,
    actor_id bigint NOT NULL,
    before jsonb,
    after jsonb
);

ALTER TABLE public.price_change ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.price_change_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.price_run (
    run_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    actor_id bigint NOT NULL,
    reason text NOT NULL,
    rule jsonb NOT NULL,
    prices jsonb NOT NULL,
    undone_at timestamp with time zone,
    undone_by bigint,
    CONSTRAINT price_run_check CHECK (((undone_at IS NULL) = (undone_by IS NULL))),
    CONSTRAINT price_run_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 500)))
);

CREATE TABLE public.price_told (
    lane smallint NOT NULL,
    change_id bigint NOT NULL
);

CREATE TABLE public.product (
    product_id integer NOT NULL,
    scene_id integer NOT NULL,
    brand_id integer NOT NULL,
    name text NOT NULL
);

ALTER TABLE public.product ALTER COLUMN product_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.product_product_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.quantity_tier (
    sku_id bigint NOT NULL,
    quantity_from integer NOT NULL,
    off_per_mille integer NOT NULL,
    changed bigint NOT NULL,
    CONSTRAINT quantity_tier_off_per_mille_check CHECK (((off_per_mille >= 1) AND (off_per_mille <= 999))),
    CONSTRAINT quantity_tier_quantity_from_check CHECK ((quantity_from >= 2))
);

CREATE TABLE public.recharge_bonus (
    bonus_id integer NOT NULL,
    from_e4 bigint NOT NULL,
    give_e4 bigint DEFAULT 0 NOT NULL,
    give_ppm integer DEFAULT 0 NOT NULL,
    most_e4 bigint,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    made_by bigint NOT NULL,
    CONSTRAINT recharge_bonus_check CHECK ((ends_at > starts_at)),
    CONSTRAINT recharge_bonus_check1 CHECK (((give_e4 > 0) OR (give_ppm > 0))),
    CONSTRAINT recharge_bonus_from_e4_check CHECK ((from_e4 > 0)),
    CONSTRAINT recharge_bonus_give_e4_check CHECK ((give_e4 >= 0)),
    CONSTRAINT recharge_bonus_give_ppm_check CHECK (((give_ppm >= 0) AND (give_ppm <= 1000000))),
    CONSTRAINT recharge_bonus_most_e4_check CHECK ((most_e4 > 0))
);

ALTER TABLE public.recharge_bonus ALTER COLUMN bonus_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.recharge_bonus_bonus_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.recovery_code (
    person_id bigint NOT NULL,
    code_hash bytea NOT NULL,
    used_at timestamp with time zone
);

CREATE TABLE public.reusable_card (
    lane smallint NOT NULL,
    original_id bigint NOT NULL,
    sku_id bigint NOT NULL,
    batch_id bigint NOT NULL,
    sealed bytea NOT NULL,
    expires_on date DEFAULT 'infinity'::date NOT NULL,
    uses integer,
    issued integer DEFAULT 0 NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    CONSTRAINT reusable_card_issued_check CHECK ((issued >= 0)),
    CONSTRAINT reusable_card_not_exceeded CHECK ((issued <= uses)),
    CONSTRAINT reusable_card_state_check CHECK ((state = ANY (ARRAY['active'::text, 'void'::text]))),
    CONSTRAINT reusable_card_uses_check CHECK ((uses >= 1))
)
WITH (fillfactor='50');

CREATE TABLE public.review (
    lane smallint NOT NULL,
    order_id bigint NOT NULL,
    sku_id bigint NOT NULL,
    org_id bigint NOT NULL,
    seller_id bigint DEFAULT 0 NOT NULL,
    stars smallint NOT NULL,
    body text NOT NULL,
    author text NOT NULL,
    state text NOT NULL,
    answer text DEFAULT ''::text NOT NULL,
    answered_at timestamp with time zone,
    written_at timestamp with time zone NOT NULL,
    CONSTRAINT review_answer_check CHECK ((length(answer) <= 500)),
    CONSTRAINT review_body_check CHECK ((length(body) <= 500)),
    CONSTRAINT review_stars_check CHECK (((stars >= 1) AND (stars <= 5))),
    CONSTRAINT review_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'shown'::text, 'hidden'::text])))
);

CREATE TABLE public.risk_listing (
    entity text NOT NULL,
    value text NOT NULL,
    verdict text NOT NULL,
    reason text NOT NULL,
    until timestamp with time zone,
    changed bigint NOT NULL,
    CONSTRAINT risk_listing_entity_check CHECK ((entity = ANY (ARRAY['ip'::text, 'organisation'::text, 'target'::text]))),
    CONSTRAINT risk_listing_verdict_check CHECK ((verdict = ANY (ARRAY['refuse'::text, 'review'::text, 'allow'::text])))
);

CREATE TABLE public.risk_rule (
    rule_id integer NOT NULL,
    name text NOT NULL,
    entity text NOT NULL,
    kinds text[] DEFAULT '{}'::text[] NOT NULL,
    window_s integer NOT NULL,
    limit_count integer,
    limit_e4 bigint,
    enabled boolean DEFAULT true NOT NULL,
    changed bigint NOT NULL,
    outcome text DEFAULT 'refuse'::text NOT NULL,
    CONSTRAINT risk_rule_check CHECK (((limit_count IS NOT NULL) OR (limit_e4 IS NOT NULL))),
    CONSTRAINT risk_rule_entity_check CHECK ((entity = ANY (ARRAY['ip'::text, 'organisation'::text, 'target'::text]))),
    CONSTRAINT risk_rule_limit_count_check CHECK ((limit_count >= 0)),
    CONSTRAINT risk_rule_limit_e4_check CHECK ((limit_e4 >= 0)),
    CONSTRAINT risk_rule_outcome_check CHECK ((outcome = ANY (ARRAY['refuse'::text, 'review'::text]))),
    CONSTRAINT risk_rule_window_s_check CHECK (((window_s >= 1) AND (window_s <= 86400)))
);

ALTER TABLE public.risk_rule ALTER COLUMN rule_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.risk_rule_rule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.risk_share (
    share_id integer NOT NULL,
    sku_id bigint NOT NULL,
    starts_s bigint NOT NULL,
    ends_s bigint NOT NULL,
    buyer_max integer NOT NULL,
    CONSTRAINT risk_share_buyer_max_check CHECK ((buyer_max > 0)),
    CONSTRAINT risk_share_check CHECK ((starts_s < ends_s))
);

ALTER TABLE public.risk_share ALTER COLUMN share_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.risk_share_share_id_seq
    START WITH -1001
    INCREMENT BY -1
    NO MINVALUE
    MAXVALUE -1001
    CACHE 1
);

CREATE TABLE public.routing_book (
    revision integer NOT NULL,
    digest bytea NOT NULL,
    book jsonb NOT NULL,
    made_at timestamp with time zone NOT NULL
);

ALTER TABLE public.routing_book ALTER COLUMN revision ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.routing_book_revision_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.routing_memory (
    lane smallint NOT NULL,
    state bytea NOT NULL,
    seen_id bigint NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE public.routing_policy (
    is_only boolean DEFAULT true NOT NULL,
    policy jsonb NOT NULL,
    changed_by bigint NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    CONSTRAINT routing_policy_is_only_check CHECK (is_only)
);

CREATE TABLE public.routing_rule (
    rule_id integer NOT NULL,
    place integer NOT NULL,
    rule jsonb NOT NULL,
    changed_by bigint NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone
);

ALTER TABLE public.routing_rule ALTER COLUMN rule_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.routing_rule_rule_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.routing_sheet (
    lane smallint NOT NULL,
    sheet_id bigint NOT NULL,
    writer text NOT NULL,
    heard bytea NOT NULL
);

CREATE TABLE public.saved_view (
    person_id bigint NOT NULL,
    view_id bigint NOT NULL,
    org_id bigint NOT NULL,
    path text NOT NULL,
    name text NOT NULL,
    query text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    is_shared boolean DEFAULT false NOT NULL,
    CONSTRAINT saved_view_name_check CHECK (((length(name) >= 1) AND (length(name) <= 40))),
    CONSTRAINT saved_view_query_check CHECK ((length(query) <= 2000))
);

CREATE TABLE public.scene (
    scene_id integer NOT NULL,
    name text NOT NULL,
    "position" integer DEFAULT 0 NOT NULL
);

ALTER TABLE public.scene ALTER COLUMN scene_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.scene_scene_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.schema_migration (
    number integer NOT NULL,
    phase text NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.shop (
    org_id bigint NOT NULL,
    domain text,
    name text NOT NULL,
    tagline text DEFAULT ''::text NOT NULL,
    accent text DEFAULT ''::text NOT NULL,
    notice text DEFAULT ''::text NOT NULL,
    contact text DEFAULT ''::text NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    is_house boolean DEFAULT false NOT NULL,
    footer text DEFAULT ''::text NOT NULL,
    icp text DEFAULT ''::text NOT NULL,
    logo text DEFAULT ''::text NOT NULL,
    sells text DEFAULT 'all'::text NOT NULL,
    domain_wanted text,
    domain_proof text DEFAULT ''::text NOT NULL,
    domain_answer text DEFAULT ''::text NOT NULL,
    changed bigint DEFAULT 0 NOT NULL,
    CONSTRAINT shop_accent_check CHECK ((accent ~ '^(#[0-9a-f]{6})?$'::text)),
    CONSTRAINT shop_contact_check CHECK ((length(contact) <= 200)),
    CONSTRAINT shop_domain_answer_check CHECK ((length(domain_answer) <= 200)),
    CONSTRAINT shop_domain_check CHECK ((domain = lower(domain))),
    CONSTRAINT shop_domain_wanted_check CHECK ((domain_wanted = lower(domain_wanted))),
    CONSTRAINT shop_footer_check CHECK ((length(footer) <= 200)),
    CONSTRAINT shop_icp_check CHECK ((length(icp) <= 40)),
    CONSTRAINT shop_logo_check CHECK ((logo ~ '^([0-9a-f]{16}\.(png|jpg|webp))?$'::text)),
    CONSTRAINT shop_name_check CHECK (((length(name) >= 1) AND (length(name) <= 40))),
    CONSTRAINT shop_notice_check CHECK ((length(notice) <= 500)),
    CONSTRAINT shop_sells_check CHECK ((sells = ANY (ARRAY['all'::text, 'chosen'::text]))),
    CONSTRAINT shop_state_check CHECK ((state = ANY (ARRAY['open'::text, 'closed'::text]))),
    CONSTRAINT shop_tagline_check CHECK ((length(tagline) <= 100))
);

CREATE TABLE public.shop_goods (
    org_id bigint NOT NULL,
    scope text NOT NULL,
    which text NOT NULL,
    shown boolean NOT NULL,
    CONSTRAINT shop_goods_scope_check CHECK ((scope = ANY (ARRAY['sku'::text, 'brand'::text, 'scene'::text]))),
    CONSTRAINT shop_goods_which_check CHECK ((which <> ''::text))
);

CREATE TABLE public.shop_guests (
    shop_id bigint NOT NULL,
    org_id bigint NOT NULL
);

CREATE TABLE public.shop_logo (
    org_id bigint NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT shop_logo_content_check CHECK ((length(content) <= 204800))
);

CREATE TABLE public.sign_in_event (
    event_id bigint NOT NULL,
    person_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    method text NOT NULL,
    outcome text NOT NULL,
    shown text NOT NULL,
    ip text NOT NULL,
    place_zh text NOT NULL,
    place_en text NOT NULL,
    agent text NOT NULL,
    CONSTRAINT sign_in_event_method_check CHECK ((method = ANY (ARRAY['password'::text, 'totp'::text, 'passkey'::text, 'code'::text, 'recovery'::text, 'command'::text]))),
    CONSTRAINT sign_in_event_outcome_check CHECK ((outcome = ANY (ARRAY['signed_in'::text, 'refused'::text, 'proved'::text, 'proof_refused'::text, 'locked'::text])))
);

CREATE TABLE public.sku (
    sku_id bigint NOT NULL,
    product_id integer NOT NULL,
    spec text NOT NULL,
    kind text NOT NULL,
    face_value_e4 bigint NOT NULL,
    face_currency text DEFAULT 'CNY'::text NOT NULL,
    cost_e4 bigint NOT NULL,
    list_price_e4 bigint NOT NULL,
    floor_e4 bigint,
    ceiling_e4 bigint,
    below_cost_allowed boolean DEFAULT false NOT NULL,
    form text DEFAULT ''::text NOT NULL,
    region text DEFAULT '全国'::text NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    quantity_min integer DEFAULT 1 NOT NULL,
    quantity_max integer DEFAULT 100 NOT NULL,
    quantity_step integer DEFAULT 1 NOT NULL,
    refundable boolean DEFAULT false NOT NULL,
    reversible boolean DEFAULT false NOT NULL,
    state text DEFAULT 'on_sale'::text NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    changed bigint NOT NULL,
    delivery_promise_minutes integer,
    redeem_instructions text DEFAULT ''::text NOT NULL,
    barcode text DEFAULT ''::text NOT NULL,
    confirm_days smallint,
    external_ref text DEFAULT ''::text NOT NULL,
    worked_by bigint DEFAULT 0 NOT NULL,
    pickable boolean DEFAULT false NOT NULL,
    pick_fee_e4 bigint DEFAULT 0 NOT NULL,
    parts jsonb DEFAULT '[]'::jsonb NOT NULL,
    discount_percent_e4 integer,
    CONSTRAINT sku_barcode_check CHECK ((barcode ~ '^([0-9]{8}|[0-9]{12,14})?$'::text)),
    CONSTRAINT sku_can_be_sold CHECK (((state <> 'on_sale'::text) OR (((kind <> 'bundle'::text) OR (parts <> '[]'::jsonb)) AND ((kind <> 'parcel'::text) OR (form ~ '(^|\+)address(\+|$)'::text))))),
    CONSTRAINT sku_check CHECK ((ceiling_e4 >= floor_e4)),
    CONSTRAINT sku_check1 CHECK (((quantity_max >= quantity_min) AND (quantity_max <= 1000))),
    CONSTRAINT sku_confirm_days_check CHECK (((confirm_days >= 0) AND (confirm_days <= 60))),
    CONSTRAINT sku_cost_e4_check CHECK ((cost_e4 >= 0)),
    CONSTRAINT sku_delivery_promise_minutes_check CHECK (((delivery_promise_minutes >= 0) AND (delivery_promise_minutes <= 525600))),
    CONSTRAINT sku_discount_percent_e4_check CHECK (((discount_percent_e4 >= 0) AND (discount_percent_e4 <= 999999))),
    CONSTRAINT sku_external_ref_check CHECK ((length(external_ref) <= 64)),
    CONSTRAINT sku_face_value_e4_check CHECK ((face_value_e4 >= 0)),
    CONSTRAINT sku_floor_e4_check CHECK ((floor_e4 >= 0)),
    CONSTRAINT sku_kind_check CHECK ((kind = ANY (ARRAY['secret'::text, 'topup'::text, 'link'::text, 'manual'::text, 'parcel'::text, 'bundle'::text]))),
    CONSTRAINT sku_list_price_e4_check CHECK ((list_price_e4 > 0)),
    CONSTRAINT sku_parts_check CHECK (((jsonb_typeof(parts) = 'array'::text) AND ((kind = 'bundle'::text) OR ((parts = '[]'::jsonb) AND (discount_percent_e4 IS NULL))))),
    CONSTRAINT sku_pick_fee_e4_check CHECK ((pick_fee_e4 >= 0)),
    CONSTRAINT sku_quantity_min_check CHECK ((quantity_min >= 1)),
    CONSTRAINT sku_quantity_step_check CHECK ((quantity_step >= 1)),
    CONSTRAINT sku_state_check CHECK ((state = ANY (ARRAY['on_sale'::text, 'paused'::text, 'withdrawn'::text]))),
    CONSTRAINT sku_worked_by_check CHECK ((worked_by >= 0))
);

CREATE TABLE public.sku_pace (
    sku_id bigint NOT NULL,
    median_ms bigint NOT NULL,
    orders integer NOT NULL,
    measured_at timestamp with time zone NOT NULL,
    CONSTRAINT sku_pace_median_ms_check CHECK ((median_ms >= 0)),
    CONSTRAINT sku_pace_orders_check CHECK ((orders > 0))
);

CREATE TABLE public.sku_revision (
    sku_id bigint NOT NULL,
    revision integer NOT NULL,
    at timestamp with time zone NOT NULL,
    snapshot jsonb NOT NULL
);

ALTER TABLE public.sku ALTER COLUMN sku_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.sku_sku_id_seq
    START WITH 100001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.stock_alert (
    lane smallint NOT NULL,
    org_id bigint NOT NULL,
    sku_id bigint NOT NULL,
    is_low boolean NOT NULL
);

CREATE TABLE public.stock_threshold (
    sku_id bigint NOT NULL,
    low_at integer NOT NULL,
    CONSTRAINT stock_threshold_low_at_check CHECK ((low_at > 0))
);

CREATE TABLE public.supplier_day (
    org_id bigint NOT NULL,
    sku_id bigint NOT NULL,
    day date NOT NULL,
    delivered integer NOT NULL,
    refunded integer NOT NULL,
    replaced integer NOT NULL,
    declined integer NOT NULL,
    overdue integer NOT NULL,
    owed_e4 bigint NOT NULL,
    uncosted integer NOT NULL,
    waits_s integer[] NOT NULL
);

CREATE TABLE public.supplier_offer (
    lane smallint NOT NULL,
    offer_id bigint NOT NULL,
    org_id bigint NOT NULL,
    sku_id bigint,
    is_new boolean NOT NULL,
    brand text DEFAULT ''::text NOT NULL,
    product text DEFAULT ''::text NOT NULL,
    spec text DEFAULT ''::text NOT NULL,
    cost_e4 bigint NOT NULL,
    was_e4 bigint,
    reason text NOT NULL,
    state text NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    offered_by bigint NOT NULL,
    offered_at timestamp with time zone NOT NULL,
    decided_by bigint,
    decided_at timestamp with time zone,
    CONSTRAINT supplier_offer_check CHECK ((is_new = ((brand <> ''::text) AND (product <> ''::text) AND (spec <> ''::text)))),
    CONSTRAINT supplier_offer_check1 CHECK ((is_new OR (sku_id IS NOT NULL))),
    CONSTRAINT supplier_offer_check2 CHECK (((state <> 'accepted'::text) OR (sku_id IS NOT NULL))),
    CONSTRAINT supplier_offer_check3 CHECK (((state = ANY (ARRAY['accepted'::text, 'refused'::text])) = (decided_at IS NOT NULL))),
    CONSTRAINT supplier_offer_cost_e4_check CHECK ((cost_e4 > 0)),
    CONSTRAINT supplier_offer_note_check CHECK ((length(note) <= 500)),
    CONSTRAINT supplier_offer_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 500))),
    CONSTRAINT supplier_offer_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'accepted'::text, 'refused'::text, 'withdrawn'::text])))
);

CREATE TABLE public.sweep (
    lane smallint NOT NULL,
    sweep_id bigint NOT NULL,
    to_lane smallint NOT NULL,
    to_account bigint NOT NULL,
    currency text NOT NULL,
    amount_e4 bigint NOT NULL,
    org_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    CONSTRAINT sweep_amount_e4_check CHECK ((amount_e4 > 0)),
    CONSTRAINT sweep_check CHECK ((lane <> to_lane))
);

CREATE TABLE public.timetable (
    name text NOT NULL,
    next_at timestamp with time zone NOT NULL,
    lease_token bigint,
    lease_until timestamp with time zone,
    last_at timestamp with time zone,
    last_ms integer,
    last_error text
);

CREATE TABLE public.totp_secret (
    person_id bigint NOT NULL,
    sealed bytea NOT NULL,
    is_confirmed boolean DEFAULT false NOT NULL,
    last_step bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.transfer_key (
    lane smallint NOT NULL,
    key text NOT NULL,
    transfer_id bigint NOT NULL,
    CONSTRAINT transfer_key_key_check CHECK (((length(key) >= 1) AND (length(key) <= 200)))
);

CREATE TABLE public.try_limit (
    key bytea NOT NULL,
    tries integer NOT NULL,
    last_at timestamp with time zone NOT NULL,
    free_at timestamp with time zone NOT NULL
);

CREATE TABLE public.web_session (
    person_id bigint NOT NULL,
    token_hash bytea NOT NULL,
    session_id bigint NOT NULL,
    org_id bigint,
    factor text NOT NULL,
    ip text NOT NULL,
    agent text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    proved_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    place_zh text DEFAULT ''::text NOT NULL,
    place_en text DEFAULT ''::text NOT NULL,
    guise_person_id bigint,
    guise_org_id bigint,
    guise_until timestamp with time zone,
    guise_may_write boolean DEFAULT false NOT NULL,
    CONSTRAINT web_session_factor_check CHECK ((factor = ANY (ARRAY['password'::text, 'totp'::text, 'passkey'::text, 'code'::text, 'recovery'::text, 'command'::text]))),
    CONSTRAINT web_session_guise_whole CHECK ((((guise_person_id IS NULL) = (guise_org_id IS NULL)) AND ((guise_person_id IS NULL) = (guise_until IS NULL))))
);

CREATE TABLE public.webhook_endpoint (
    lane smallint NOT NULL,
    endpoint_id bigint NOT NULL,
    org_id bigint NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    kinds text[] DEFAULT '{}'::text[] NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    changed bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    cursor_id bigint NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    paused_until timestamp with time zone,
    CONSTRAINT webhook_endpoint_state_check CHECK ((state = ANY (ARRAY['active'::text, 'disabled'::text, 'removed'::text])))
)
WITH (fillfactor='50');

CREATE TABLE public.webhook_lane (
    lane smallint NOT NULL,
    lease_token bigint NOT NULL,
    lease_until timestamp with time zone NOT NULL
)
WITH (fillfactor='10');

CREATE TABLE public.webhook_late (
    lane smallint NOT NULL,
    endpoint_id bigint NOT NULL,
    subject_id bigint NOT NULL,
    sequence integer NOT NULL,
    attempts integer NOT NULL,
    next_at timestamp with time zone NOT NULL
)
WITH (fillfactor='70');

CREATE TABLE public.webhook_log (
    lane smallint NOT NULL,
    log_id bigint NOT NULL,
    endpoint_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    event_ids bigint[] NOT NULL,
    statuses smallint[] NOT NULL,
    took_ms integer[] NOT NULL,
    attempts smallint[] NOT NULL,
    faults text[] NOT NULL
);

CREATE TABLE public.webhook_replay (
    lane smallint NOT NULL,
    replay_id bigint NOT NULL,
    endpoint_id bigint NOT NULL,
    after_id bigint NOT NULL,
    until_id bigint NOT NULL
);

CREATE TABLE public.webhook_secret (
    lane smallint NOT NULL,
    secret_id bigint NOT NULL,
    endpoint_id bigint NOT NULL,
    sealed bytea NOT NULL,
    until timestamp with time zone
);

CREATE TABLE public.withdrawal (
    lane smallint NOT NULL,
    withdrawal_id bigint NOT NULL,
    org_id bigint NOT NULL,
    client_ref text NOT NULL,
    digest bytea NOT NULL,
    amount_e4 bigint NOT NULL,
    fee_e4 bigint NOT NULL,
    currency text NOT NULL,
    payee bytea NOT NULL,
    payee_shown text NOT NULL,
    needs_second boolean NOT NULL,
    state text NOT NULL,
    sequence integer DEFAULT 1 NOT NULL,
    requested_at timestamp with time zone NOT NULL,
    checked_by bigint,
    approved_by bigint,
    closed_by bigint,
    closed_at timestamp with time zone,
    note text DEFAULT ''::text NOT NULL,
    external_ref text,
    hold_id bigint NOT NULL,
    fee_hold_id bigint,
    method text NOT NULL,
    CONSTRAINT withdrawal_amount_e4_check CHECK ((amount_e4 > 0)),
    CONSTRAINT withdrawal_check CHECK (((fee_e4 >= 0) AND (fee_e4 < amount_e4))),
    CONSTRAINT withdrawal_check1 CHECK (((state = 'paid'::text) = (external_ref IS NOT NULL))),
    CONSTRAINT withdrawal_check2 CHECK (((state <> ALL (ARRAY['approved'::text, 'paid'::text, 'failed'::text])) OR (approved_by IS NOT NULL))),
    CONSTRAINT withdrawal_check3 CHECK (((fee_e4 > 0) = (fee_hold_id IS NOT NULL))),
    CONSTRAINT withdrawal_method_check CHECK ((method = ANY (ARRAY['bank'::text, 'alipay'::text]))),
    CONSTRAINT withdrawal_paying_approved CHECK (((state <> 'paying'::text) OR (approved_by IS NOT NULL))),
    CONSTRAINT withdrawal_second_person CHECK (((approved_by <> checked_by) AND ((NOT needs_second) OR (approved_by IS NULL) OR (checked_by IS NOT NULL)))),
    CONSTRAINT withdrawal_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'checked'::text, 'approved'::text, 'paying'::text, 'paid'::text, 'refused'::text, 'cancelled'::text, 'failed'::text])))
)
WITH (fillfactor='70');

ALTER TABLE ONLY public.nonce ATTACH PARTITION public.nonce_0 FOR VALUES IN ('0');

ALTER TABLE ONLY public.nonce ATTACH PARTITION public.nonce_1 FOR VALUES IN ('1');

ALTER TABLE ONLY public.nonce ATTACH PARTITION public.nonce_2 FOR VALUES IN ('2');

ALTER TABLE ONLY public.nonce ATTACH PARTITION public.nonce_3 FOR VALUES IN ('3');

ALTER TABLE ONLY public.archived_event ALTER COLUMN due SET DEFAULT false;

ALTER TABLE ONLY public.archived_orders ALTER COLUMN sequence SET DEFAULT 1;

ALTER TABLE ONLY public.archived_orders ALTER COLUMN card_ids SET DEFAULT '{}'::bigint[];

ALTER TABLE ONLY public.archived_orders ALTER COLUMN refunded_e4 SET DEFAULT 0;

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (lane, account_id);

ALTER TABLE ONLY public.adjustment
    ADD CONSTRAINT adjustment_pkey PRIMARY KEY (lane, adjustment_id);

ALTER TABLE ONLY public.agent_bound
    ADD CONSTRAINT agent_bound_pkey PRIMARY KEY (owner_id, sku_id);

ALTER TABLE ONLY public.allotment
    ADD CONSTRAINT allotment_pkey PRIMARY KEY (lane, sku_id);

ALTER TABLE ONLY public.announcement
    ADD CONSTRAINT announcement_pkey PRIMARY KEY (announcement_id);

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (lane, key_id);

ALTER TABLE ONLY public.archived_event
    ADD CONSTRAINT archived_event_pkey PRIMARY KEY (lane, subject_id, sequence);

ALTER TABLE ONLY public.archived_orders
    ADD CONSTRAINT archived_orders_pkey PRIMARY KEY (lane, order_id);

ALTER TABLE ONLY public.audit_line
    ADD CONSTRAINT audit_line_pkey PRIMARY KEY (lane, audit_id);

ALTER TABLE ONLY public.balance_alert
    ADD CONSTRAINT balance_alert_pkey PRIMARY KEY (lane, org_id);

ALTER TABLE ONLY public.bank_credit
    ADD CONSTRAINT bank_credit_pkey PRIMARY KEY (lane, credit_id);

ALTER TABLE ONLY public.bill_case
    ADD CONSTRAINT bill_case_pkey PRIMARY KEY (lane, case_id);

ALTER TABLE ONLY public.bill_line
    ADD CONSTRAINT bill_line_pkey PRIMARY KEY (lane, channel_id, day, line_key);

ALTER TABLE ONLY public.bill
    ADD CONSTRAINT bill_pkey PRIMARY KEY (channel_id, day);

ALTER TABLE ONLY public.bill_settlement
    ADD CONSTRAINT bill_settlement_pkey PRIMARY KEY (lane, channel_id, day);

ALTER TABLE ONLY public.blob_piece
    ADD CONSTRAINT blob_piece_pkey PRIMARY KEY (lane, piece_id);

ALTER TABLE ONLY public.brand
    ADD CONSTRAINT brand_name_key UNIQUE (name);

ALTER TABLE ONLY public.brand
    ADD CONSTRAINT brand_pkey PRIMARY KEY (brand_id);

ALTER TABLE ONLY public.card_batch
    ADD CONSTRAINT card_batch_pkey PRIMARY KEY (batch_id);

ALTER TABLE ONLY public.card_fingerprint
    ADD CONSTRAINT card_fingerprint_pkey PRIMARY KEY (fingerprint);

ALTER TABLE ONLY public.card_mark
    ADD CONSTRAINT card_mark_pkey PRIMARY KEY (lane, org_id, card_id);

ALTER TABLE ONLY public.card
    ADD CONSTRAINT card_pkey PRIMARY KEY (lane, card_id);

ALTER TABLE ONLY public.card_run_line
    ADD CONSTRAINT card_run_line_pkey PRIMARY KEY (run_id, line);

ALTER TABLE ONLY public.card_run
    ADD CONSTRAINT card_run_pkey PRIMARY KEY (run_id);

ALTER TABLE ONLY public.challenge
    ADD CONSTRAINT challenge_pkey PRIMARY KEY (challenge_id);

ALTER TABLE ONLY public.channel_use
    ADD CONSTRAINT channel_use_pkey PRIMARY KEY (org_id);

ALTER TABLE ONLY public.counter
    ADD CONSTRAINT counter_pkey PRIMARY KEY (entity_hash, rule_id, window_start);

ALTER TABLE ONLY public.desk_told
    ADD CONSTRAINT desk_told_pkey PRIMARY KEY (lane, job_id);

ALTER TABLE ONLY public.epay_account
    ADD CONSTRAINT epay_account_org_id_key UNIQUE (org_id);

ALTER TABLE ONLY public.epay_account
    ADD CONSTRAINT epay_account_pkey PRIMARY KEY (pid);

ALTER TABLE ONLY public.epay_day
    ADD CONSTRAINT epay_day_pkey PRIMARY KEY (lane, pid, day);

ALTER TABLE ONLY public.epay_trade
    ADD CONSTRAINT epay_trade_pkey PRIMARY KEY (lane, trade_id);

ALTER TABLE ONLY public.epoch
    ADD CONSTRAINT epoch_pkey PRIMARY KEY (topic);

ALTER TABLE ONLY public.event_feed
    ADD CONSTRAINT event_feed_pkey PRIMARY KEY (lane, org_id);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (lane, subject_id, sequence);

ALTER TABLE ONLY public.factor_rule
    ADD CONSTRAINT factor_rule_pkey PRIMARY KEY (lane, org_id);

ALTER TABLE ONLY public.feature_switch
    ADD CONSTRAINT feature_switch_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.flash_sale
    ADD CONSTRAINT flash_sale_pkey PRIMARY KEY (sale_id);

ALTER TABLE ONLY public.invitation
    ADD CONSTRAINT invitation_pkey PRIMARY KEY (lane, invitation_id);

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (lane, job_id);

ALTER TABLE ONLY public.lane_counter
    ADD CONSTRAINT lane_counter_pkey PRIMARY KEY (lane, entity_id, rule_id, window_start);

ALTER TABLE ONLY public.lane
    ADD CONSTRAINT lane_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY public.level_price
    ADD CONSTRAINT level_price_pkey PRIMARY KEY (sku_id, level);

ALTER TABLE ONLY public.list_run
    ADD CONSTRAINT list_run_pkey PRIMARY KEY (lane, run_id);

ALTER TABLE ONLY public.manual_answer
    ADD CONSTRAINT manual_answer_pkey PRIMARY KEY (lane, order_id, part_no);

ALTER TABLE ONLY public.manual_task
    ADD CONSTRAINT manual_task_pkey PRIMARY KEY (lane, order_id, part_no);

ALTER TABLE ONLY public.markup
    ADD CONSTRAINT markup_pkey PRIMARY KEY (agent_id, scope, which, level);

ALTER TABLE ONLY public.membership
    ADD CONSTRAINT membership_pkey PRIMARY KEY (lane, org_id, person_id);

ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (lane, message_id);

ALTER TABLE ONLY public.month_close
    ADD CONSTRAINT month_close_pkey PRIMARY KEY (lane, month);

ALTER TABLE ONLY public.month_sum
    ADD CONSTRAINT month_sum_pkey PRIMARY KEY (lane, account_id, code, month);

ALTER TABLE ONLY public.named_price
    ADD CONSTRAINT named_price_pkey PRIMARY KEY (sku_id, org_id);

ALTER TABLE ONLY public.nonce
    ADD CONSTRAINT nonce_pkey PRIMARY KEY (lane, drawer, nonce_hash);

ALTER TABLE ONLY public.nonce_0
    ADD CONSTRAINT nonce_0_pkey PRIMARY KEY (lane, drawer, nonce_hash);

ALTER TABLE ONLY public.nonce_1
    ADD CONSTRAINT nonce_1_pkey PRIMARY KEY (lane, drawer, nonce_hash);

ALTER TABLE ONLY public.nonce_2
    ADD CONSTRAINT nonce_2_pkey PRIMARY KEY (lane, drawer, nonce_hash);

ALTER TABLE ONLY public.nonce_3
    ADD CONSTRAINT nonce_3_pkey PRIMARY KEY (lane, drawer, nonce_hash);

ALTER TABLE ONLY public.notice_subscription
    ADD CONSTRAINT notice_subscription_pkey PRIMARY KEY (subscription_id);

ALTER TABLE ONLY public.order_command
    ADD CONSTRAINT order_command_pkey PRIMARY KEY (lane, order_id, key);

ALTER TABLE ONLY public.order_field
    ADD CONSTRAINT order_field_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.order_form
    ADD CONSTRAINT order_form_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.order_mark_older
    ADD CONSTRAINT order_mark_older_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY public.order_mark
    ADD CONSTRAINT order_mark_pkey PRIMARY KEY (lane, span, mark, order_id);

ALTER TABLE ONLY public.order_part
    ADD CONSTRAINT order_part_pkey PRIMARY KEY (lane, order_id, part_no);

ALTER TABLE ONLY public.order_password
    ADD CONSTRAINT order_password_pkey PRIMARY KEY (lane, order_id);

ALTER TABLE ONLY public.order_payment
    ADD CONSTRAINT order_payment_pkey PRIMARY KEY (lane, order_id);

ALTER TABLE ONLY public.order_ref
    ADD CONSTRAINT order_ref_pkey PRIMARY KEY (lane, ref_key);

ALTER TABLE ONLY public.order_tallied
    ADD CONSTRAINT order_tallied_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY public.order_tally
    ADD CONSTRAINT order_tally_pkey PRIMARY KEY (lane, since, currency);

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (lane, order_id);

ALTER TABLE ONLY public.org_document
    ADD CONSTRAINT org_document_pkey PRIMARY KEY (lane, document_id);

ALTER TABLE ONLY public.organisation
    ADD CONSTRAINT organisation_pkey PRIMARY KEY (lane, org_id);

ALTER TABLE ONLY public.passkey
    ADD CONSTRAINT passkey_pkey PRIMARY KEY (person_id, credential_id);

ALTER TABLE ONLY public.payable
    ADD CONSTRAINT payable_pkey PRIMARY KEY (lane, payable_id);

ALTER TABLE ONLY public.payment_channel
    ADD CONSTRAINT payment_channel_pkey PRIMARY KEY (channel_id);

ALTER TABLE ONLY public.payment_day
    ADD CONSTRAINT payment_day_pkey PRIMARY KEY (lane, channel_id, day);

ALTER TABLE ONLY public.payment_inbox
    ADD CONSTRAINT payment_inbox_pkey PRIMARY KEY (lane, channel_id, event_id);

ALTER TABLE ONLY public.payment_message
    ADD CONSTRAINT payment_message_pkey PRIMARY KEY (lane, channel_id, event_id);

ALTER TABLE ONLY public.payment_notice
    ADD CONSTRAINT payment_notice_pkey PRIMARY KEY (lane, channel_id, event_id);

ALTER TABLE ONLY public.payment
    ADD CONSTRAINT payment_pkey PRIMARY KEY (lane, payment_id);

ALTER TABLE ONLY public.payment_reference
    ADD CONSTRAINT payment_reference_pkey PRIMARY KEY (reference);

ALTER TABLE ONLY public.payment_refund
    ADD CONSTRAINT payment_refund_pkey PRIMARY KEY (lane, refund_id);

ALTER TABLE ONLY public.payment_return
    ADD CONSTRAINT payment_return_pkey PRIMARY KEY (reference);

ALTER TABLE ONLY public.payout_batch
    ADD CONSTRAINT payout_batch_pkey PRIMARY KEY (lane, batch_id);

ALTER TABLE ONLY public.payout
    ADD CONSTRAINT payout_pkey PRIMARY KEY (lane, payout_id);

ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (person_id);

ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_sign_in_key UNIQUE (sign_in);

ALTER TABLE ONLY public.price_change
    ADD CONSTRAINT price_change_pkey PRIMARY KEY (change_id);

ALTER TABLE ONLY public.price_run
    ADD CONSTRAINT price_run_pkey PRIMARY KEY (run_id);

ALTER TABLE ONLY public.price_told
    ADD CONSTRAINT price_told_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY public.product
    ADD CONSTRAINT product_brand_id_name_key UNIQUE (brand_id, name);

ALTER TABLE ONLY public.product
    ADD CONSTRAINT product_pkey PRIMARY KEY (product_id);

ALTER TABLE ONLY public.quantity_tier
    ADD CONSTRAINT quantity_tier_pkey PRIMARY KEY (sku_id, quantity_from);

ALTER TABLE ONLY public.recharge_bonus
    ADD CONSTRAINT recharge_bonus_pkey PRIMARY KEY (bonus_id);

ALTER TABLE ONLY public.recovery_code
    ADD CONSTRAINT recovery_code_pkey PRIMARY KEY (person_id, code_hash);

ALTER TABLE ONLY public.reusable_card
    ADD CONSTRAINT reusable_card_pkey PRIMARY KEY (lane, original_id);

ALTER TABLE ONLY public.review
    ADD CONSTRAINT review_pkey PRIMARY KEY (lane, order_id);

ALTER TABLE ONLY public.risk_listing
    ADD CONSTRAINT risk_listing_pkey PRIMARY KEY (entity, value);

ALTER TABLE ONLY public.risk_rule
    ADD CONSTRAINT risk_rule_name_key UNIQUE (name);

ALTER TABLE ONLY public.risk_rule
    ADD CONSTRAINT risk_rule_pkey PRIMARY KEY (rule_id);

ALTER TABLE ONLY public.risk_share
    ADD CONSTRAINT risk_share_pkey PRIMARY KEY (share_id);

ALTER TABLE ONLY public.routing_book
    ADD CONSTRAINT routing_book_digest_key UNIQUE (digest);

ALTER TABLE ONLY public.routing_book
    ADD CONSTRAINT routing_book_pkey PRIMARY KEY (revision);

ALTER TABLE ONLY public.routing_memory
    ADD CONSTRAINT routing_memory_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY public.routing_policy
    ADD CONSTRAINT routing_policy_pkey PRIMARY KEY (is_only);

ALTER TABLE ONLY public.routing_rule
    ADD CONSTRAINT routing_rule_pkey PRIMARY KEY (rule_id);

ALTER TABLE ONLY public.routing_sheet
    ADD CONSTRAINT routing_sheet_pkey PRIMARY KEY (lane, sheet_id);

ALTER TABLE ONLY public.saved_view
    ADD CONSTRAINT saved_view_pkey PRIMARY KEY (person_id, view_id);

ALTER TABLE ONLY public.scene
    ADD CONSTRAINT scene_name_key UNIQUE (name);

ALTER TABLE ONLY public.scene
    ADD CONSTRAINT scene_pkey PRIMARY KEY (scene_id);

ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (number, phase);

ALTER TABLE ONLY public.shop
    ADD CONSTRAINT shop_domain_key UNIQUE (domain);

ALTER TABLE ONLY public.shop_goods
    ADD CONSTRAINT shop_goods_pkey PRIMARY KEY (org_id, scope, which);

ALTER TABLE ONLY public.shop_guests
    ADD CONSTRAINT shop_guests_pkey PRIMARY KEY (shop_id);

ALTER TABLE ONLY public.shop_logo
    ADD CONSTRAINT shop_logo_pkey PRIMARY KEY (org_id);

ALTER TABLE ONLY public.shop
    ADD CONSTRAINT shop_pkey PRIMARY KEY (org_id);

ALTER TABLE ONLY public.sign_in_event
    ADD CONSTRAINT sign_in_event_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY public.sku_pace
    ADD CONSTRAINT sku_pace_pkey PRIMARY KEY (sku_id);

ALTER TABLE ONLY public.sku
    ADD CONSTRAINT sku_pkey PRIMARY KEY (sku_id);

ALTER TABLE ONLY public.sku
    ADD CONSTRAINT sku_product_id_spec_key UNIQUE (product_id, spec);

ALTER TABLE ONLY public.sku_revision
    ADD CONSTRAINT sku_revision_pkey PRIMARY KEY (sku_id, revision);

ALTER TABLE ONLY public.stock_alert
    ADD CONSTRAINT stock_alert_pkey PRIMARY KEY (lane, org_id, sku_id);

ALTER TABLE ONLY public.stock_threshold
    ADD CONSTRAINT stock_threshold_pkey PRIMARY KEY (sku_id);

ALTER TABLE ONLY public.supplier_day
    ADD CONSTRAINT supplier_day_pkey PRIMARY KEY (org_id, day, sku_id);

ALTER TABLE ONLY public.supplier_offer
    ADD CONSTRAINT supplier_offer_pkey PRIMARY KEY (lane, offer_id);

ALTER TABLE ONLY public.sweep
    ADD CONSTRAINT sweep_pkey PRIMARY KEY (lane, sweep_id);

ALTER TABLE ONLY public.timetable
    ADD CONSTRAINT timetable_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.totp_secret
    ADD CONSTRAINT totp_secret_pkey PRIMARY KEY (person_id);

ALTER TABLE ONLY public.transfer_key
    ADD CONSTRAINT transfer_key_pkey PRIMARY KEY (lane, key);

ALTER TABLE ONLY public.transfer
    ADD CONSTRAINT transfer_pkey PRIMARY KEY (lane, transfer_id);

ALTER TABLE ONLY public.try_limit
    ADD CONSTRAINT try_limit_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.web_session
    ADD CONSTRAINT web_session_pkey PRIMARY KEY (person_id, token_hash);

ALTER TABLE ONLY public.webhook_endpoint
    ADD CONSTRAINT webhook_endpoint_pkey PRIMARY KEY (lane, endpoint_id);

ALTER TABLE ONLY public.webhook_lane
    ADD CONSTRAINT webhook_lane_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY public.webhook_late
    ADD CONSTRAINT webhook_late_pkey PRIMARY KEY (lane, endpoint_id, subject_id);

ALTER TABLE ONLY public.webhook_log
    ADD CONSTRAINT webhook_log_pkey PRIMARY KEY (lane, log_id);

ALTER TABLE ONLY public.webhook_replay
    ADD CONSTRAINT webhook_replay_pkey PRIMARY KEY (lane, replay_id);

ALTER TABLE ONLY public.webhook_secret
    ADD CONSTRAINT webhook_secret_pkey PRIMARY KEY (lane, secret_id);

ALTER TABLE ONLY public.withdrawal
    ADD CONSTRAINT withdrawal_pkey PRIMARY KEY (lane, withdrawal_id);

CREATE UNIQUE INDEX account_channel ON public.account USING btree (lane, channel_id, code, currency) WHERE (channel_id IS NOT NULL);

CREATE UNIQUE INDEX account_due ON public.account USING btree (lane, peer_lane, code, currency) WHERE (peer_lane IS NOT NULL);

CREATE INDEX account_org ON public.account USING btree (lane, org_id);

CREATE UNIQUE INDEX account_sub ON public.account USING btree (lane, org_id, currency) WHERE (code = 'sub_account'::text);

CREATE UNIQUE INDEX adjustment_key ON public.adjustment USING btree (lane, request_key);

CREATE INDEX adjustment_pending ON public.adjustment USING btree (lane, adjustment_id) WHERE (state = 'pending'::text);

CREATE INDEX announcement_standing ON public.announcement USING btree (starts_at) WHERE (withdrawn_at IS NULL);

CREATE INDEX api_key_changed ON public.api_key USING btree (changed);

CREATE INDEX api_key_organisation ON public.api_key USING btree (lane, org_id);

CREATE INDEX archived_event_recent ON public.archived_event USING brin (event_id) WITH (pages_per_range='64');

CREATE INDEX archived_orders_of_organisation ON public.archived_orders USING btree (lane, org_id, order_id);

CREATE INDEX archived_orders_of_seller ON public.archived_orders USING btree (lane, (((split #>> '{margins,-1,0}'::text[]))::bigint), order_id) WHERE (split IS NOT NULL);

CREATE INDEX archived_orders_tail ON public.archived_orders USING btree (lane, ((order_id % (1000000)::bigint)));

CREATE INDEX audit_line_subject ON public.audit_line USING btree (lane, subject_id);

CREATE UNIQUE INDEX bank_credit_line ON public.bank_credit USING btree (lane, channel_id, line_key);

CREATE INDEX bank_credit_waiting ON public.bank_credit USING btree (lane, channel_id, credit_id) WHERE (state = 'waiting'::text);

CREATE UNIQUE INDEX bill_case_line ON public.bill_case USING btree (lane, channel_id, day, line_key);

CREATE INDEX bill_case_open ON public.bill_case USING btree (lane, due_at) WHERE (state <> 'resolved'::text);

CREATE INDEX bill_case_subject ON public.bill_case USING btree (lane, channel_id, line_kind, subject_id) WHERE (subject_id > 0);

CREATE INDEX bill_line_subject ON public.bill_line USING btree (lane, channel_id, subject_id);

CREATE INDEX blob_piece_blob ON public.blob_piece USING btree (lane, blob_id, piece_id);

CREATE INDEX card_batch_supplier ON public.card_batch USING btree (supplier_org_id, batch_id) WHERE (supplier_org_id <> 0);

CREATE INDEX card_display ON public.card USING btree (lane, sku_id, card_id) WHERE (state = 'on_display'::text);

CREATE UNIQUE INDEX card_fingerprint_number ON public.card_fingerprint USING btree (number_print) WHERE (number_print <> '\x'::bytea);

CREATE INDEX card_fingerprint_unread ON public.card_fingerprint USING btree (card_id) WHERE (number_print IS NULL);

CREATE INDEX card_reserved ON public.card USING btree (lane, sku_id) WHERE (state = 'reserved'::text);

CREATE INDEX card_returned ON public.card USING btree (lane, order_id) WHERE ((state = 'quarantined'::text) AND (order_id IS NOT NULL));

CREATE INDEX card_run_ended ON public.card_run USING btree (ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX card_run_of ON public.card_run USING btree (org_id, run_id);

CREATE INDEX card_run_open ON public.card_run USING btree (org_id) WHERE (state = ANY (ARRAY['arriving'::text, 'reading'::text, 'ready'::text, 'loading'::text]));

CREATE INDEX card_shelf ON public.card USING btree (lane, sku_id, expires_on, card_id) WHERE (state = 'on_shelf'::text);

CREATE INDEX card_use ON public.card USING btree (lane, original_id) WHERE (original_id IS NOT NULL);

CREATE INDEX challenge_expiry ON public.challenge USING btree (expires_at);

CREATE UNIQUE INDEX epay_trade_no ON public.epay_trade USING btree (lane, pid, out_trade_no);

CREATE INDEX epay_trade_of_account ON public.epay_trade USING btree (lane, pid, trade_id);

CREATE INDEX event_due ON public.event USING btree (lane, event_id) WHERE due;

CREATE INDEX event_feed_order ON public.event USING btree (lane, org_id, event_id) WHERE due;

CREATE INDEX event_recent ON public.event USING brin (event_id) WITH (pages_per_range='16', autosummarize='on');

CREATE INDEX invitation_organisation ON public.invitation USING btree (lane, org_id, invitation_id);

CREATE INDEX job_desk ON public.job USING btree (lane, job_id) WHERE (state = ANY (ARRAY['dead'::text, 'unknown'::text]));

CREATE INDEX job_due ON public.job USING btree (lane, kind, due_at, job_id) WHERE (state = 'waiting'::text);

CREATE INDEX job_leased ON public.job USING btree (lane, lease_until) WHERE (state = ANY (ARRAY['leased'::text, 'sending'::text]));

CREATE INDEX job_subject ON public.job USING btree (lane, subject_id);

CREATE INDEX list_run_expiry ON public.list_run USING btree (lane, expires_at);

CREATE INDEX list_run_of_person ON public.list_run USING btree (lane, org_id, person_id, run_id);

CREATE UNIQUE INDEX manual_task_id ON public.manual_task USING btree (lane, task_id);

CREATE INDEX manual_task_live ON public.manual_task USING btree (lane, due_at, order_id, part_no) WHERE (state = ANY (ARRAY['open'::text, 'taken'::text]));

CREATE INDEX manual_task_news ON public.manual_task USING btree (lane, worker_org_id) WHERE (news IS NOT NULL);

CREATE INDEX manual_task_worker ON public.manual_task USING btree (lane, worker_org_id, due_at, order_id, part_no);

CREATE INDEX membership_person ON public.membership USING btree (person_id);

CREATE INDEX message_address ON public.message USING btree (lane, address_hash, created_at);

CREATE INDEX message_of_organisation ON public.message USING btree (lane, org_id, message_id);

CREATE INDEX month_sum_month ON public.month_sum USING btree (lane, month);

CREATE INDEX named_price_of_buyer ON public.named_price USING btree (seller_id, org_id, sku_id) WHERE (seller_id <> 0);

CREATE UNIQUE INDEX notice_subscription_once ON public.notice_subscription USING btree (org_id, topic, channel, address_hash);

CREATE INDEX order_payment_buyer ON public.order_payment USING btree (lane, buyer_key) WHERE is_open;

CREATE INDEX order_payment_ip ON public.order_payment USING btree (lane, ip_key) WHERE is_open;

CREATE INDEX orders_confirming ON public.orders USING btree (lane, order_id) WHERE (confirm_until IS NOT NULL);

CREATE INDEX orders_of_organisation ON public.orders USING btree (lane, org_id, order_id);

CREATE INDEX orders_of_seller ON public.orders USING btree (lane, (((split #>> '{margins,-1,0}'::text[]))::bigint), order_id) WHERE (split IS NOT NULL);

CREATE INDEX orders_tail ON public.orders USING btree (lane, ((order_id % (1000000)::bigint)));

CREATE INDEX orders_unfinished ON public.orders USING btree (lane, state, order_id) WHERE (state = ANY (ARRAY['awaiting_payment'::text, 'paid'::text, 'held'::text, 'fulfilling'::text, 'review'::text, 'cancelling'::text, 'failed'::text, 'refused'::text]));

CREATE INDEX orders_with_account ON public.orders USING btree (lane, order_id) WHERE (account IS NOT NULL);

CREATE INDEX org_document_arriving ON public.org_document USING btree (lane, submitted_at) WHERE (state = 'arriving'::text);

CREATE INDEX org_document_expiring ON public.org_document USING btree (lane, valid_until) WHERE (state = 'accepted'::text);

CREATE INDEX org_document_of ON public.org_document USING btree (lane, org_id, document_id);

CREATE INDEX org_document_waiting ON public.org_document USING btree (lane, document_id) WHERE (state = 'waiting'::text);

CREATE INDEX organisation_below ON public.organisation USING btree (parent_id, org_id) WHERE ((parent_id IS NOT NULL) AND (sandbox_of IS NULL));

CREATE INDEX organisation_changed ON public.organisation USING btree (changed);

CREATE INDEX organisation_parent ON public.organisation USING btree (parent_id) WHERE (parent_id IS NOT NULL);

CREATE UNIQUE INDEX organisation_sandbox ON public.organisation USING btree (lane, sandbox_of) WHERE (sandbox_of IS NOT NULL);

CREATE INDEX payable_of_organisation ON public.payable USING btree (lane, org_id, payable_id) WHERE (kind = 'recharge'::text);

CREATE UNIQUE INDEX payable_ref ON public.payable USING btree (lane, org_id, client_ref) WHERE (client_ref IS NOT NULL);

CREATE UNIQUE INDEX payment_attempt ON public.payment USING btree (lane, payable_id, attempt);

CREATE INDEX payment_bank_reference ON public.payment USING btree (lane, ((shown #>> '{fields,reference}'::text[]))) WHERE (method = 'bank'::text);

CREATE INDEX payment_booked ON public.payment USING btree (lane, channel_id, booked_at) WHERE (booked_at IS NOT NULL);

CREATE UNIQUE INDEX payment_channel_name ON public.payment_channel USING btree (org_id, name);

CREATE INDEX payment_inbox_due ON public.payment_inbox USING btree (lane, due_at, channel_id, event_id);

CREATE INDEX payment_message_age ON public.payment_message USING btree (lane, at);

CREATE INDEX payment_notice_payment ON public.payment_notice USING btree (lane, payment_id);

CREATE INDEX payment_notice_refund ON public.payment_notice USING btree (lane, refund_id) WHERE (refund_id IS NOT NULL);

CREATE INDEX payment_provider ON public.payment USING btree (lane, provider_no) WHERE (provider_no <> ''::text);

CREATE INDEX payment_refund_booked ON public.payment_refund USING btree (lane, channel_id, ended_at) WHERE (state = 'done'::text);

CREATE INDEX payment_refund_case ON public.payment_refund USING btree (lane, case_id) WHERE (case_id IS NOT NULL);

CREATE UNIQUE INDEX payment_refund_key ON public.payment_refund USING btree (lane, request_key);

CREATE INDEX payment_refund_open ON public.payment_refund USING btree (lane, refund_id) WHERE (state <> 'done'::text);

CREATE INDEX payment_refund_payment ON public.payment_refund USING btree (lane, payment_id);

CREATE INDEX payout_batch_of ON public.payout USING btree (lane, batch_id) WHERE (batch_id IS NOT NULL);

CREATE INDEX payout_open ON public.payout USING btree (lane, payout_id) WHERE (state <> ALL (ARRAY['done'::text, 'failed'::text]));

CREATE INDEX price_change_sku ON public.price_change USING btree (sku_id, change_id);

CREATE INDEX reusable_card_left ON public.reusable_card USING btree (lane, sku_id, expires_on, original_id) WHERE ((state = 'active'::text) AND ((uses IS NULL) OR (issued < uses)));

CREATE INDEX review_of_sku ON public.review USING btree (lane, sku_id, order_id) WHERE (state = 'shown'::text);

CREATE INDEX review_pending ON public.review USING btree (lane, order_id) WHERE (state = 'pending'::text);

CREATE INDEX risk_share_end ON public.risk_share USING btree (ends_s);

CREATE INDEX saved_view_shared ON public.saved_view USING btree (org_id, path) WHERE is_shared;

CREATE INDEX shop_changed ON public.shop USING btree (changed);

CREATE INDEX sign_in_event_person ON public.sign_in_event USING btree (person_id, event_id);

CREATE INDEX sku_changed ON public.sku USING btree (changed);

CREATE INDEX supplier_day_day ON public.supplier_day USING btree (day);

CREATE INDEX supplier_offer_decided ON public.supplier_offer USING btree (lane, decided_at, offer_id) WHERE (decided_at IS NOT NULL);

CREATE INDEX supplier_offer_of ON public.supplier_offer USING btree (lane, org_id, offer_id);

CREATE INDEX supplier_offer_waiting ON public.supplier_offer USING btree (lane, offer_id) WHERE (state = 'waiting'::text);

CREATE INDEX transfer_credit ON public.transfer USING btree (lane, credit_account, transfer_id) WHERE (credit_account >= 1000);

CREATE INDEX transfer_debit ON public.transfer USING btree (lane, debit_account, transfer_id) WHERE (debit_account >= 1000);

CREATE UNIQUE INDEX transfer_resolution ON public.transfer USING btree (lane, pending_id) WHERE (pending_id IS NOT NULL);

CREATE INDEX try_limit_age ON public.try_limit USING btree (last_at);

CREATE INDEX web_session_expiry ON public.web_session USING btree (expires_at);

CREATE INDEX webhook_endpoint_changed ON public.webhook_endpoint USING btree (lane, changed);

CREATE INDEX webhook_endpoint_organisation ON public.webhook_endpoint USING btree (lane, org_id);

CREATE INDEX webhook_log_endpoint ON public.webhook_log USING btree (lane, endpoint_id, log_id);

CREATE INDEX webhook_replay_endpoint ON public.webhook_replay USING btree (lane, endpoint_id);

CREATE INDEX webhook_secret_endpoint ON public.webhook_secret USING btree (lane, endpoint_id);

CREATE UNIQUE INDEX withdrawal_external_ref ON public.withdrawal USING btree (lane, external_ref) WHERE (external_ref IS NOT NULL);

CREATE INDEX withdrawal_of_organisation ON public.withdrawal USING btree (lane, org_id, withdrawal_id);

CREATE UNIQUE INDEX withdrawal_ref ON public.withdrawal USING btree (lane, org_id, client_ref);

ALTER INDEX public.nonce_pkey ATTACH PARTITION public.nonce_0_pkey;

ALTER INDEX public.nonce_pkey ATTACH PARTITION public.nonce_1_pkey;

ALTER INDEX public.nonce_pkey ATTACH PARTITION public.nonce_2_pkey;

ALTER INDEX public.nonce_pkey ATTACH PARTITION public.nonce_3_pkey;

CREATE TRIGGER adjustment_stands BEFORE DELETE OR UPDATE ON public.adjustment FOR EACH ROW EXECUTE FUNCTION public.refuse_change_of_final('pending');

CREATE TRIGGER audit_line_stands BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_line FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER month_close_stands BEFORE DELETE OR UPDATE OR TRUNCATE ON public.month_close FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER month_sum_stands BEFORE DELETE OR UPDATE OR TRUNCATE ON public.month_sum FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER order_command_stands BEFORE DELETE OR UPDATE OR TRUNCATE ON public.order_command FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER payment_notice_stands BEFORE DELETE OR UPDATE OR TRUNCATE ON public.payment_notice FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER payout_stands BEFORE DELETE OR UPDATE ON public.payout FOR EACH ROW EXECUTE FUNCTION public.refuse_change_of_final('requested sent unknown abnormal');

CREATE TRIGGER routing_book_stands BEFORE DELETE OR UPDATE OR TRUNCATE ON public.routing_book FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER sku_revision_stands BEFORE DELETE OR UPDATE OR TRUNCATE ON public.sku_revision FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER transfer_stands BEFORE DELETE OR UPDATE OR TRUNCATE ON public.transfer FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER withdrawal_stands BEFORE DELETE OR UPDATE ON public.withdrawal FOR EACH ROW EXECUTE FUNCTION public.refuse_change_of_final('requested checked approved paying');

ALTER TABLE ONLY public.agent_bound
    ADD CONSTRAINT agent_bound_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES public.sku(sku_id);

ALTER TABLE ONLY public.card_batch
    ADD CONSTRAINT card_batch_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES public.sku(sku_id);

ALTER TABLE ONLY public.flash_sale
    ADD CONSTRAINT flash_sale_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES public.sku(sku_id);

ALTER TABLE ONLY public.level_price
    ADD CONSTRAINT level_price_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES public.sku(sku_id);

ALTER TABLE ONLY public.named_price
    ADD CONSTRAINT named_price_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES public.sku(sku_id);

ALTER TABLE ONLY public.product
    ADD CONSTRAINT product_brand_id_fkey FOREIGN KEY (brand_id) REFERENCES public.brand(brand_id);

ALTER TABLE ONLY public.product
    ADD CONSTRAINT product_scene_id_fkey FOREIGN KEY (scene_id) REFERENCES public.scene(scene_id);

ALTER TABLE ONLY public.quantity_tier
    ADD CONSTRAINT quantity_tier_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES public.sku(sku_id);

ALTER TABLE ONLY public.shop_goods
    ADD CONSTRAINT shop_goods_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.shop(org_id);

ALTER TABLE ONLY public.shop_guests
    ADD CONSTRAINT shop_guests_shop_id_fkey FOREIGN KEY (shop_id) REFERENCES public.shop(org_id);

ALTER TABLE ONLY public.shop_logo
    ADD CONSTRAINT shop_logo_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.shop(org_id);

ALTER TABLE ONLY public.sku
    ADD CONSTRAINT sku_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.product(product_id);

ALTER TABLE ONLY public.sku_revision
    ADD CONSTRAINT sku_revision_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES public.sku(sku_id);

ALTER TABLE ONLY public.stock_threshold
    ADD CONSTRAINT stock_threshold_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES public.sku(sku_id);
