-- Messages that wait to be sent. Recipient and body are sealed; a sent message is deleted.

create table outbox (
    id text primary key,
    kind text not null,
    recipient_sealed bytea not null,
    body_sealed bytea not null,
    -- Not sent after this time: its link is dead. Null: always worth sending.
    expires_at bigint,
    attempts bigint not null default 0,
    next_attempt_at bigint not null,
    created_at bigint not null,
    last_error text,
    -- Given up.
    dead_at bigint
);
create index outbox_next_attempt_at on outbox (next_attempt_at);
