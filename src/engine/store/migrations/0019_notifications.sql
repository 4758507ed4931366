-- What owners were told in the last hour, and what waits to be told in one message.

create table notifications (
    user_id text not null references users (id) on delete cascade,
    -- 'mail' or 'sms'.
    channel text not null,
    -- A mailbox or a number.
    recipient text not null,
    -- JSON: the messages that went at once within the hour.
    recent text not null default '[]',
    -- JSON: the changes that the waiting digest lists.
    waiting text not null default '[]',
    -- The digest, in the outbox.
    message_id text,
    updated_at bigint not null,
    primary key (user_id, channel, recipient)
);
create index notifications_updated_at on notifications (updated_at);

-- Not sent before this time. Null: at once.
alter table outbox add column not_before bigint;
-- 1: sent before the others that are due. Owners wait for it, and strangers cannot cause it.
alter table outbox add column goes_first bigint not null default 0;
