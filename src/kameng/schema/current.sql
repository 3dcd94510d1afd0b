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
    CONSTRAINT order_payment_check CHECK (((contact IS NULL) = (password_hash IS NULL))),
    CONSTRAINT order_payment_language_check CHECK ((language = ANY (ARRAY['zh'::text, 'en'::text, 'both'::text])))
);

CREATE TABLE public.order_ref (
    lane smallint CONSTRAINT reference_lane_not_null NOT NULL,
    ref_key bytea CONSTRAINT reference_ref_key_not_null NOT NULL,
    digest bytea CONSTRAINT reference_digest_not_null NOT NULL,
    order_id bigint CONSTRAINT reference_order_id_not_null NOT NULL
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
    CONSTRAINT organisation_kind_check CHECK ((kind = ANY (ARRAY['platform'::text, 'merchant'::text, 'agent'::text, 'supplier'::text]))),
    CONSTRAINT organisation_level_check CHECK (((level >= 0) AND (level <= 99))),
    CONSTRAINT organisation_minimum_balance_e4_check CHECK ((minimum_balance_e4 > 0)),
    CONSTRAINT organisation_month_budget_e4_check CHECK ((month_budget_e4 > 0)),
    CONSTRAINT organisation_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT organisation_state_check CHECK ((state = ANY (ARRAY['active'::text, 'suspended'::text, 'closed'::text])))
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

CREATE TABLE public.transfer_key (
    lane smallint NOT NULL,
    key text NOT NULL,
    transfer_id bigint NOT NULL,
    CONSTRAINT transfer_key_key_check CHECK (((length(key) >= 1) AND (length(key) <= 200)))
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
    CONSTRAINT withdrawal_amount_e4_check CHECK ((amount_e4 > 0)),
    CONSTRAINT withdrawal_check CHECK (((fee_e4 >= 0) AND (fee_e4 < amount_e4))),
    CONSTRAINT withdrawal_check1 CHECK (((state = 'paid'::text) = (external_ref IS NOT NULL))),
    CONSTRAINT withdrawal_check2 CHECK (((state <> ALL (ARRAY['approved'::text, 'paid'::text, 'failed'::text])) OR (approved_by IS NOT NULL))),
    CONSTRAINT withdrawal_check3 CHECK (((fee_e4 > 0) = (fee_hold_id IS NOT NULL))),
    CONSTRAINT withdrawal_second_person CHECK (((approved_by <> checked_by) AND ((NOT needs_second) OR (approved_by IS NULL) OR (checked_by IS NOT NULL)))),
    CONSTRAINT withdrawal_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'checked'::text, 'approved'::text, 'paid'::text, 'refused'::text, 'cancelled'::text, 'failed'::text])))
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

ALTER TABLE ONLY public.brand
    ADD CONSTRAINT brand_name_key UNIQUE (name);

ALTER TABLE ONLY public.brand
    ADD CONSTRAINT brand_pkey PRIMARY KEY (brand_id);

ALTER TABLE ONLY public.card_batch
    ADD CONSTRAINT card_batch_pkey PRIMARY KEY (batch_id);

ALTER TABLE ONLY public.card_fingerprint
    ADD CONSTRAINT card_fingerprint_pkey PRIMARY KEY (fingerprint);

ALTER TABLE ONLY public.card
    ADD CONSTRAINT card_pkey PRIMARY KEY (lane, card_id);

ALTER TABLE ONLY public.counter
    ADD CONSTRAINT counter_pkey PRIMARY KEY (entity_hash, rule_id, window_start);

ALTER TABLE ONLY public.desk_told
    ADD CONSTRAINT desk_told_pkey PRIMARY KEY (lane, job_id);

ALTER TABLE ONLY public.epoch
    ADD CONSTRAINT epoch_pkey PRIMARY KEY (topic);

ALTER TABLE ONLY public.event_feed
    ADD CONSTRAINT event_feed_pkey PRIMARY KEY (lane, org_id);

ALTER TABLE ONLY public.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (lane, subject_id, sequence);

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (lane, job_id);

ALTER TABLE ONLY public.lane_counter
    ADD CONSTRAINT lane_counter_pkey PRIMARY KEY (lane, entity_id, rule_id, window_start);

ALTER TABLE ONLY public.lane
    ADD CONSTRAINT lane_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY public.level_price
    ADD CONSTRAINT level_price_pkey PRIMARY KEY (sku_id, level);

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

ALTER TABLE ONLY public.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (lane, order_id);

ALTER TABLE ONLY public.organisation
    ADD CONSTRAINT organisation_pkey PRIMARY KEY (lane, org_id);

ALTER TABLE ONLY public.payment_reference
    ADD CONSTRAINT payment_reference_pkey PRIMARY KEY (reference);

ALTER TABLE ONLY public.payment_return
    ADD CONSTRAINT payment_return_pkey PRIMARY KEY (reference);

ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (person_id);

ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_sign_in_key UNIQUE (sign_in);

ALTER TABLE ONLY public.price_change
    ADD CONSTRAINT price_change_pkey PRIMARY KEY (change_id);

ALTER TABLE ONLY public.price_told
    ADD CONSTRAINT price_told_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY public.product
    ADD CONSTRAINT product_brand_id_name_key UNIQUE (brand_id, name);

ALTER TABLE ONLY public.product
    ADD CONSTRAINT product_pkey PRIMARY KEY (product_id);

ALTER TABLE ONLY public.quantity_tier
    ADD CONSTRAINT quantity_tier_pkey PRIMARY KEY (sku_id, quantity_from);

ALTER TABLE ONLY public.reusable_card
    ADD CONSTRAINT reusable_card_pkey PRIMARY KEY (lane, original_id);

ALTER TABLE ONLY public.risk_listing
    ADD CONSTRAINT risk_listing_pkey PRIMARY KEY (entity, value);

ALTER TABLE ONLY public.risk_rule
    ADD CONSTRAINT risk_rule_name_key UNIQUE (name);

ALTER TABLE ONLY public.risk_rule
    ADD CONSTRAINT risk_rule_pkey PRIMARY KEY (rule_id);

ALTER TABLE ONLY public.scene
    ADD CONSTRAINT scene_name_key UNIQUE (name);

ALTER TABLE ONLY public.scene
    ADD CONSTRAINT scene_pkey PRIMARY KEY (scene_id);

ALTER TABLE ONLY public.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (number, phase);

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

ALTER TABLE ONLY public.sweep
    ADD CONSTRAINT sweep_pkey PRIMARY KEY (lane, sweep_id);

ALTER TABLE ONLY public.timetable
    ADD CONSTRAINT timetable_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.transfer_key
    ADD CONSTRAINT transfer_key_pkey PRIMARY KEY (lane, key);

ALTER TABLE ONLY public.transfer
    ADD CONSTRAINT transfer_pkey PRIMARY KEY (lane, transfer_id);

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

CREATE UNIQUE INDEX account_due ON public.account USING btree (lane, peer_lane, code, currency) WHERE (peer_lane IS NOT NULL);

CREATE INDEX account_org ON public.account USING btree (lane, org_id);

CREATE UNIQUE INDEX account_sub ON public.account USING btree (lane, org_id, currency) WHERE (code = 'sub_account'::text);

CREATE UNIQUE INDEX adjustment_key ON public.adjustment USING btree (lane, request_key);

CREATE INDEX adjustment_pending ON public.adjustment USING btree (lane, adjustment_id) WHERE (state = 'pending'::text);

CREATE INDEX api_key_changed ON public.api_key USING btree (changed);

CREATE INDEX api_key_organisation ON public.api_key USING btree (lane, org_id);

CREATE INDEX archived_orders_of_organisation ON public.archived_orders USING btree (lane, org_id, order_id);

CREATE INDEX audit_line_subject ON public.audit_line USING btree (lane, subject_id);

CREATE INDEX card_batch_supplier ON public.card_batch USING btree (supplier_org_id, batch_id) WHERE (supplier_org_id <> 0);

CREATE INDEX card_display ON public.card USING btree (lane, sku_id, card_id) WHERE (state = 'on_display'::text);

CREATE UNIQUE INDEX card_fingerprint_number ON public.card_fingerprint USING btree (number_print) WHERE (number_print <> '\x'::bytea);

CREATE INDEX card_fingerprint_unread ON public.card_fingerprint USING btree (card_id) WHERE (number_print IS NULL);

CREATE INDEX card_reserved ON public.card USING btree (lane, sku_id) WHERE (state = 'reserved'::text);

CREATE INDEX card_shelf ON public.card USING btree (lane, sku_id, expires_on, card_id) WHERE (state = 'on_shelf'::text);

CREATE INDEX card_use ON public.card USING btree (lane, original_id) WHERE (original_id IS NOT NULL);

CREATE INDEX event_due ON public.event USING btree (lane, event_id) WHERE due;

CREATE INDEX event_feed_order ON public.event USING btree (lane, org_id, event_id) WHERE due;

CREATE INDEX job_desk ON public.job USING btree (lane, job_id) WHERE (state = ANY (ARRAY['dead'::text, 'unknown'::text]));

CREATE INDEX job_due ON public.job USING btree (lane, kind, due_at, job_id) WHERE (state = 'waiting'::text);

CREATE INDEX job_leased ON public.job USING btree (lane, lease_until) WHERE (state = ANY (ARRAY['leased'::text, 'sending'::text]));

CREATE INDEX job_subject ON public.job USING btree (lane, subject_id);

CREATE UNIQUE INDEX manual_task_id ON public.manual_task USING btree (lane, task_id);

CREATE INDEX manual_task_live ON public.manual_task USING btree (lane, due_at, order_id, part_no) WHERE (state = ANY (ARRAY['open'::text, 'taken'::text]));

CREATE INDEX manual_task_news ON public.manual_task USING btree (lane, worker_org_id) WHERE (news IS NOT NULL);

CREATE INDEX manual_task_worker ON public.manual_task USING btree (lane, worker_org_id, due_at, order_id, part_no);

CREATE INDEX membership_person ON public.membership USING btree (person_id);

CREATE INDEX message_address ON public.message USING btree (lane, address_hash, created_at);

CREATE INDEX message_of_organisation ON public.message USING btree (lane, org_id, message_id);

CREATE INDEX month_sum_month ON public.month_sum USING btree (lane, month);

CREATE UNIQUE INDEX notice_subscription_once ON public.notice_subscription USING btree (org_id, topic, channel, address_hash);

CREATE INDEX order_payment_buyer ON public.order_payment USING btree (lane, buyer_key) WHERE is_open;

CREATE INDEX order_payment_ip ON public.order_payment USING btree (lane, ip_key) WHERE is_open;

CREATE INDEX orders_of_organisation ON public.orders USING btree (lane, org_id, order_id);

CREATE INDEX orders_with_account ON public.orders USING btree (lane, order_id) WHERE (account IS NOT NULL);

CREATE INDEX organisation_changed ON public.organisation USING btree (changed);

CREATE INDEX organisation_parent ON public.organisation USING btree (parent_id) WHERE (parent_id IS NOT NULL);

CREATE UNIQUE INDEX organisation_sandbox ON public.organisation USING btree (lane, sandbox_of) WHERE (sandbox_of IS NOT NULL);

CREATE INDEX price_change_sku ON public.price_change USING btree (sku_id, change_id);

CREATE INDEX reusable_card_left ON public.reusable_card USING btree (lane, sku_id, expires_on, original_id) WHERE ((state = 'active'::text) AND ((uses IS NULL) OR (issued < uses)));

CREATE INDEX sku_changed ON public.sku USING btree (changed);

CREATE INDEX transfer_credit ON public.transfer USING btree (lane, credit_account, transfer_id) WHERE (credit_account >= 1000);

CREATE INDEX transfer_debit ON public.transfer USING btree (lane, debit_account, transfer_id) WHERE (debit_account >= 1000);

CREATE UNIQUE INDEX transfer_resolution ON public.transfer USING btree (lane, pending_id) WHERE (pending_id IS NOT NULL);

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

CREATE TRIGGER sku_revision_stands BEFORE DELETE OR UPDATE OR TRUNCATE ON public.sku_revision FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER transfer_stands BEFORE DELETE OR UPDATE OR TRUNCATE ON public.transfer FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER withdrawal_stands BEFORE DELETE OR UPDATE ON public.withdrawal FOR EACH ROW EXECUTE FUNCTION public.refuse_change_of_final('requested checked approved');

ALTER TABLE ONLY public.agent_bound
    ADD CONSTRAINT agent_bound_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES public.sku(sku_id);

ALTER TABLE ONLY public.card_batch
    ADD CONSTRAINT card_batch_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES public.sku(sku_id);

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

ALTER TABLE ONLY public.sku
    ADD CONSTRAINT sku_product_id_fkey FOREIGN KEY (product_id) REFERENCES public.product(product_id);

ALTER TABLE ONLY public.sku_revision
    ADD CONSTRAINT sku_revision_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES public.sku(sku_id);

ALTER TABLE ONLY public.stock_threshold
    ADD CONSTRAINT stock_threshold_sku_id_fkey FOREIGN KEY (sku_id) REFERENCES public.sku(sku_id);
